"""Model families, a folder each; `shared` is what they stand on."""
