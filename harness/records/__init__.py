"""The nouns that pass between the stages, and the error family. Frozen: a stage returns a new record.

Shapes are channels first and leave out the batch. Counts are in numbers (not bytes), times in seconds.
"""
