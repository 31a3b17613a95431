"""What Pillow raises for damaged files of the formats it reads."""

from PIL import Image

BROKEN_IMAGE = (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError)
"""An image of no known format is an OSError too."""
