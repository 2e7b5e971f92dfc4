"""How each framework says it: one file for each, with the same names in it. Pure text; no framework is imported."""
