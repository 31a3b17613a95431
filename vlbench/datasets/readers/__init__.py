"""The layouts that users have: folders, metadata files, parquet, tars, the hub."""
