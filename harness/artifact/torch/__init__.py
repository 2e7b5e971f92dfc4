"""PyTorch's ATen graphs, translated into the language."""
