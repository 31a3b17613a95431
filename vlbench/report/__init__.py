"""Reports: from results to tables, comparisons, gates and sites."""
