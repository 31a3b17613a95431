"""CLIP and its kin on open_clip."""
