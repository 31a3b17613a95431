"""Pure functions on (scores or ranks, truth), and the metrics made of them."""
