"""Inverse shading: the ten `standard_surface` inputs of a rendered object, recovered from one image."""

__version__ = "0.1.0"
