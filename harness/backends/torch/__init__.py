"""PyTorch: build, trace, replay and train. Loaded by name, in a process of its own."""
