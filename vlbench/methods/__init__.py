"""Methods, one per file: what acts on a model's features and scores."""
