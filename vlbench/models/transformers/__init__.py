"""Dual encoders of the transformers package."""
