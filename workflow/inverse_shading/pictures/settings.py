"""The configuration's section on how an object is found in a picture."""

from inverse_shading.runtime.sections import Section, key

# What is always needed, as for an object that is nearly all outline.
LEAST_OVERLAP = 0.85


class Placement(Section):
    """How an object is found in a picture."""

    # Of 100 renders the overlap was at least 0.996 with alpha, 0.986 before a grey gradient, and 0.971
    # before white, where highlights at the outline are lost; the poster's ball before its own contact
    # shadow, an outline that is wrong, has 0.95, the ball without its foot 0.84, upside down 0.88.
    silhouette: float = key(
        "Overlap (intersection over union) from which a silhouette is the object's.",
        0.97,
        ge=LEAST_OVERLAP,
        le=1,
    )
    # Lanczos mixes up to three pixels, and the outline is that uncertain.
    erosion: int = key(
        "Pixels from the outline within which a picture that was cut out isn't compared.",
        3,
        ge=0,
        le=16,
    )
