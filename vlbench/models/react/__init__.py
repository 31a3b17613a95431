"""REACT: CLIP customised on retrieved pairs."""
