import argparse
import os
import sys
import numpy as np
from keras.datasets import mnist
from keras.models import Sequential
from keras.layers import Conv2D, MaxPooling2D, Flatten, Dense

def load_data():
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
    return x_train[..., None] / 255., y_train, x_test[..., None] / 255., y_test

def main(argv):
    x_train, y_train, x_test, y_test = load_data()
    input_shape = x_train.shape[1:]
    model = Sequential()
    model.add(Conv2D(6, kernel_size=(5, 5), activation='relu', input_shape=input_shape))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Conv2D(16, kernel_size=(5, 5), activation='relu'))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Flatten())
    model.add(Dense(120, activation='relu'))
    model.add(Dense(84, activation='relu'))
    model.add(Dense(10, activation='softmax'))
    model.compile(loss='sparse_categorical_crossentropy', optimizer='adam', metrics=['accuracy'])
    model.fit(x_train, y_train, epochs=5)
    print(model.evaluate(x_test, y_test))
    return 0

if __name__ == '__main__':
    sys.exit(main(sys.argv))
