"""A framed picture to a material: refinement, its posterior, calibration, alternatives, reasons.

Imports `evaluation`, `pictures` and what is below them; nothing of `network` or `training`.
"""
