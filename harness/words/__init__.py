"""The wording of each framework: one file for each, with the same names. Pure text; no framework is imported."""
