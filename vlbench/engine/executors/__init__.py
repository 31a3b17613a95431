"""Executors: where encoding runs. Each takes an iterator of chunks and yields what is to be stored."""
