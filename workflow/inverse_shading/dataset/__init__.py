"""The data set: index ranges, parameters, shards, framed images, splits, labels, rows for training.

Imports `render` and what is below it.
"""
