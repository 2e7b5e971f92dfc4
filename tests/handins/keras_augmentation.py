import keras
from keras import layers
aug = keras.Sequential([layers.RandomRotation(0.1), layers.RandomZoom(0.1)])
inputs = keras.Input((28, 28, 1))
x = aug(inputs)
x = layers.Rescaling(1./255)(x)
x = layers.Conv2D(32, 3, activation='relu')(x)
x = layers.MaxPooling2D()(x)
x = layers.Flatten()(x)
outputs = layers.Dense(10, activation='softmax')(x)
model = keras.Model(inputs, outputs)
