"""Candidates become verdicts, runs and a board: the stages, and how each command uses them."""
