"""The language's operators in TensorFlow's."""
