import numpy as np
import keras
from keras.datasets import mnist
from keras.models import Sequential
from keras.layers import Dense, Dropout, Flatten, Conv2D, MaxPooling2D
from keras import backend as K
import pandas as pd
train = pd.read_csv('../input/train.csv')
X = train.drop(['label'], axis=1).values.reshape(-1, 28, 28, 1)

model = Sequential()
model.add(Conv2D(6, (5, 5), activation="tanh", padding="same", input_shape=(28, 28, 1)))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Conv2D(16, (5, 5), activation="tanh"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(120, activation="tanh"))
model.add(Dense(84, activation="tanh"))
model.add(Dense(10, activation="softmax"))
model.fit(X, train['label'])
