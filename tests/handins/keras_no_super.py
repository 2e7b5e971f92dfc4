import numpy as np
import keras
from keras.datasets import mnist
from keras.models import Sequential, Model
from keras.layers import Dense, Dropout, Flatten, Conv2D, MaxPooling2D, Activation, Input, Lambda, Reshape
from keras import backend as K

(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train.reshape(60000, 28, 28, 1).astype('float32') / 255
x_test = x_test.reshape(10000, 28, 28, 1).astype('float32') / 255
y_train = keras.utils.to_categorical(y_train, 10)

class LeNet(keras.Model):
    def __init__(self, units=120):
        self.c1 = Conv2D(6, 5, padding='same', activation='tanh')
        self.p1 = MaxPooling2D()
        self.c2 = Conv2D(16, 5, activation='tanh')
        self.p2 = MaxPooling2D()
        self.flat = Flatten()
        self.d1 = Dense(units, activation='tanh')
        self.d2 = Dense(84, activation='tanh')
        self.d3 = Dense(10)

    def call(self, x, training=None):
        x = self.p1(self.c1(x))
        x = self.p2(self.c2(x))
        return self.d3(self.d2(self.d1(self.flat(x))))
model = LeNet()

model.compile(loss='categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
model.fit(x_train, y_train, batch_size=128, epochs=12, verbose=1)
score = model.evaluate(x_test, y_test)
