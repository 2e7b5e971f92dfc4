"""What finished runs are worth: accuracies, findings, places, points. Pure."""
