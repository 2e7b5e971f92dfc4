"""TensorFlow's graphs, translated into the language."""
