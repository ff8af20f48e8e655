"""What people look at: the comparison to read, figures, the page.

Imports `inversion` and what is below it; nothing of `training` but its tables.
"""
