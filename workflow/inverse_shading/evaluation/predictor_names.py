"""Names of what stands beside the models in tables and folders; no model may be called so."""

BASELINES = ("constant", "ridge", "perceptron", "floor")

# What appearance.json and the folder under results call the predictor that refinement is.
REFINED = "refined"
