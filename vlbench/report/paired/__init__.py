"""Compares two models on the same images."""
