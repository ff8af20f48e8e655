"""Training: the loop, models before their first step, checkpoints, seeds, baselines, search.

Imports `evaluation` and what is below it.
"""
