"""The contracts, the registries and the errors; imports nothing of vlbench outside itself."""
