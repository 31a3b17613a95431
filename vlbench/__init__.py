"""vlbench: one benchmark harness for zero-shot vision-language models."""
