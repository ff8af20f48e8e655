"""Networks in PyTorch: trunks and their weights, features, heads, objectives, devices.

Imports `dataset` and what is below it.
"""
