"""Image encoders from timm."""
