import tensorflow.compat.v1 as tf
tf.disable_v2_behavior()
from tensorflow.keras import layers, models
model = models.Sequential()
model.add(layers.Conv2D(32, 5, padding='same', activation='relu', input_shape=(28, 28, 1)))
model.add(layers.MaxPool2D())
model.add(layers.Conv2D(64, 5, padding='same', activation='relu'))
model.add(layers.MaxPool2D())
model.add(layers.Flatten())
model.add(layers.Dense(1024, activation='relu'))
model.add(layers.Dense(10, activation='softmax'))
model.compile(optimizer='adam', loss='categorical_crossentropy')
