"""Compiles the whole training step of a graph of the language for the processor it runs on. Knows no framework."""
