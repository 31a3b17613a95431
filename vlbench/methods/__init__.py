"""Methods, a file each: what acts on a model's features and scores."""
