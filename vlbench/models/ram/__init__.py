"""RAM, RAM++ and Tag2Text: taggers."""
