"""The reference LeNet-5: as a layer table, as a PyTorch model and as a Keras model."""
