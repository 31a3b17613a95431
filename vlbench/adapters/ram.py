"""RAM: image tagging whose tags are vectors of a CLIP text tower (Zhang et al. 2023)."""

from vlbench.adapters.ram_adapter import open_set_adapter

ram = open_set_adapter("ram")
