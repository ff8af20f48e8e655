"""A material as flat constants of other shading models, with a certificate of how near they look.

The constants are those whose picture on a stage, in the target's own shader, is nearest to the
material's.
Imports `inversion`, `evaluation` and what is below them.
"""
