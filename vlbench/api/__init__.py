"""What Python code calls; vlbench itself has the public names, each imported when it is first asked for."""
