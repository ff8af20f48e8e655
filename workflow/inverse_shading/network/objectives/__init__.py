"""What a network's outputs mean: one module an objective, loaded by its name; see `objective`."""
