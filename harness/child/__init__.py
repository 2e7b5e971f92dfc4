"""The framework-independent code behind the walls: one job, its answer, and the end of the process."""
