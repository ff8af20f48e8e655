"""The values of config.yaml, as the sections hold them."""

from typing import Any

from inverse_shading.runtime.sections import Section


def shipped_values(section: type[Section]) -> dict[str, Any]:
    """Those of a section's keys, by name."""
    return {name: shipped_value(section, name) for name in section.model_fields}


def shipped_value(section: type[Section], name: str) -> Any:
    """That of one key, which may be a section of its own."""
    field = section.model_fields[name]
    if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
        return shipped_values(field.annotation)
    return field.json_schema_extra["default"]
