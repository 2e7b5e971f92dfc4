"""From a folder to submissions, and from their names to names for files. Nothing of theirs is run."""
