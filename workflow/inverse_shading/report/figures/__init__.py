"""One module a figure, and `style`, which all share."""
