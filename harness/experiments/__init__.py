"""Candidates become verdicts, runs and a board: the stages, and what each command makes of them."""
