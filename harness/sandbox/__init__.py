"""Run one of the harness's own functions in a short-lived, limited process, and say how it ended."""
