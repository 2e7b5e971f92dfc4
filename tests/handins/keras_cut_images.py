import pandas as pd
from keras.models import Sequential
from keras.layers import Conv2D, Flatten, Dense
train = pd.read_csv('digit/train.csv')
X = train.iloc[:, 1:].values.reshape(-1, 28, 28, 1)[:, 4:24, 4:24]
model = Sequential([Conv2D(4, 3, input_shape=X.shape[1:]), Flatten(), Dense(10, activation='softmax')])
model.fit(X, train.label)
