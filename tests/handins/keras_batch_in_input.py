import keras
from keras import layers

inputs = keras.Input(batch_shape=(64, 28, 28, 1))
x = layers.Conv2D(6, 5, padding="same", activation="tanh")(inputs)
x = layers.AveragePooling2D()(x)
x = keras.ops.reshape(x, (64, -1))
outputs = layers.Dense(10)(x)
model = keras.Model(inputs, outputs)
