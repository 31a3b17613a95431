"""Torch modules that no package offers."""
