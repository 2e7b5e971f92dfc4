import numpy as np
import keras
from keras.datasets import mnist
from keras.models import Sequential
from keras.layers import Dense, Dropout, Flatten, Conv2D, MaxPooling2D
from keras import backend as K
from keras.layers import Lambda
(x_train, y_train), _ = mnist.load_data()
mean = x_train.mean()
model = Sequential()
model.add(Lambda(lambda x: x - mean, input_shape=(28, 28, 1)))
model.add(Flatten())
model.add(Dense(10))
model.fit(x_train, y_train)
