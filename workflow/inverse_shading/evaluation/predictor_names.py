"""Names of what stands beside the models in tables and folders; no model may be called so."""

RIDGE, FLOOR = "ridge", "floor"
BASELINES = ("constant", RIDGE, FLOOR)

# What appearance.json and the folder under results call the predictor that refinement is.
REFINED = "refined"
