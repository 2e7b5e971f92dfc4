"""Grade and benchmark student LeNet-5 models: the graph, not the code, is trained."""

__version__ = "0.1.0"
