"""Evaluates finished runs: accuracies, findings, places, points. Pure."""
