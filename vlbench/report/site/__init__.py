"""Results as a static site: results to values (data), values to HTML and SVG (pages, pictures), files."""
