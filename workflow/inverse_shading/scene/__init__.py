"""Object, light, camera, backdrop and shader, brought together in the stage file.

Imports `material` and what is below it.
"""
