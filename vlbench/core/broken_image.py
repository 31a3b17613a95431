"""What Pillow raises for damaged files of the formats it reads."""

from PIL import Image, UnidentifiedImageError

BROKEN_IMAGE = (
    OSError,
    UnidentifiedImageError,
    SyntaxError,
    ValueError,
    EOFError,
    Image.DecompressionBombError,
)
