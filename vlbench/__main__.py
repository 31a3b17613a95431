"""`python -m vlbench`."""

from vlbench.cli.main import main

main()
