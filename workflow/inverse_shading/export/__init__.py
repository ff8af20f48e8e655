"""Export: a material as flat constants of other shading models, found by refitting in their own shaders.

Each target's constants are those whose picture on the stage is nearest to the material's.
"""
