"""The errors that Pillow raises for damaged images of the formats it reads."""

from PIL import Image

BROKEN_IMAGE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
"""Includes OSError, which Pillow also raises for an image of an unknown format."""
