"""The kernels of the engine: each writes one function for one kind of step and one set of sizes."""
