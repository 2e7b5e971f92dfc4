"""From a folder to submissions, and from their names to file names. None of their code is run."""
