"""CLIP and its relatives in open_clip."""
