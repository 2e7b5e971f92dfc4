import tensorflow as tf


class Net(tf.keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = tf.keras.layers.Dense(84, activation="tanh")
        self.out = tf.keras.layers.Dense(10)

    def call(self, images):
        return self.out(self.hidden(tf.reshape(images, (32, 784))))
