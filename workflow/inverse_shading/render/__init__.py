"""Stage and material to pixels: the program, whole frames, framed images, images before rounding.

Imports `scene` and what is below it.
"""
