"""The data types that pass between the stages, and the errors. Frozen: a stage returns a new record.

Shapes are channels first, without the batch. Counts are in numbers (not bytes), times in seconds.
"""
