"""Pairs of images and captions: found in a pool by the names of a task's classes, to tune a model on."""
