import tensorflow as tf
from tensorflow.keras import layers, models
class Subsample(layers.Layer):
    def build(self, shape):
        self.coef = self.add_weight(name='coef', shape=(shape[-1],), initializer='ones')
        self.bias = self.add_weight(name='bias', shape=(shape[-1],), initializer='zeros')
    def call(self, x):
        return tf.nn.sigmoid(tf.nn.avg_pool2d(x, 2, 2, 'VALID') * self.coef + self.bias)
model = models.Sequential([
    layers.Input((32, 32, 1)),
    layers.Conv2D(6, 5), Subsample(), layers.Conv2D(16, 5), Subsample(), layers.Conv2D(120, 5, activation='tanh'),
    layers.Flatten(), layers.Dense(84, activation='tanh'), layers.Dense(10)])
