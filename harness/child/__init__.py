"""What runs behind the walls, whatever the framework: one job, its answer, and the end of the process."""
