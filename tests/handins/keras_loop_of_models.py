import numpy as np
import keras
from keras.datasets import mnist
from keras.models import Sequential
from keras.layers import Dense, Dropout, Flatten, Conv2D, MaxPooling2D
from keras import backend as K
nets = 3
model = [0] * nets
for j in range(nets):
    model[j] = Sequential()
    model[j].add(Flatten(input_shape=(28, 28, 1)))
    model[j].add(Dense(10))
model[0].fit(0)
