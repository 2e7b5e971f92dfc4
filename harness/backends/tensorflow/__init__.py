"""TensorFlow and Keras: build, trace, replay and train. Loaded by name, in its own process."""
