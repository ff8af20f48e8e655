"""A user's picture file to a framed picture: formats, cutting out, finding the object.

Imports `render` and what is below it; nothing of `dataset`.
"""
