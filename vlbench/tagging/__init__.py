"""Tags of the user's own images, and descriptions of tags written by a language model."""
