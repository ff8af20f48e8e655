"""The ten inputs of a material: names, ranges, labels, documents, and what an image can show of them.

Imports `runtime`.
"""
