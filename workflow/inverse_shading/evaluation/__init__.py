"""How well predictors do: errors, predictions, appearance of one; table and paired tests of all.

Imports `network` and what is below it.
"""
