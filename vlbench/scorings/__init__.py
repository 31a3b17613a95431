"""Scorings: what tasks keep of a model's scores."""
