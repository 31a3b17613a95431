"""RAM++: open-set image tagging by descriptions that each image weighs (Huang et al. 2023)."""

from vlbench.adapters.ram_adapter import open_set_adapter

ram_plus = open_set_adapter("ram_plus")
