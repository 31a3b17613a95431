"""Tags for the user's own images, and descriptions of tags by a language model."""
