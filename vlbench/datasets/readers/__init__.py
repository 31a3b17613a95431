"""What users have: folders, metadata, parquet, tars, the hub."""
