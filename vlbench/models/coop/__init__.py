"""CoOp: CLIP with learned contexts."""
