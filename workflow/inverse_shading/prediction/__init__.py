"""Materials for pictures of one's own: a trained model and refinement, and the files they write.

Imports `report` and what is below it.
"""
