"""What the ten inputs are called in figures and pages."""

PARAMETER_LABELS = {
    "base": "Base",
    "base_color_r": "Base colour R",
    "base_color_g": "Base colour G",
    "base_color_b": "Base colour B",
    "specular": "Specular",
    "specular_roughness": "Roughness",
    "specular_color_r": "Specular colour R",
    "specular_color_g": "Specular colour G",
    "specular_color_b": "Specular colour B",
    "metalness": "Metalness",
}
