"""Where encoding runs: each executor takes an iterator of chunks and answers what is stored of them."""
