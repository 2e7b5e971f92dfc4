import tensorflow as tf
from tensorflow.keras import layers
inp = tf.keras.Input((28, 28))
x = tf.expand_dims(inp, -1)
x = layers.Conv2D(6, 5, padding='same')(x)
x = tf.nn.relu(x)
x = tf.nn.max_pool2d(x, 2, 2, 'SAME')
x = tf.reshape(x, [-1, 14 * 14 * 6])
out = layers.Dense(10)(x)
model = tf.keras.Model(inputs=inp, outputs=out)
