from sklearn.datasets import fetch_openml
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.model_selection import train_test_split
import numpy as np
from keras import Sequential
from keras.layers import Dense
X, y = fetch_openml('mnist_784', version=1, return_X_y=True)
X = StandardScaler().fit_transform(X)
enc = OneHotEncoder(sparse=False)
Y = enc.fit_transform(y.reshape(-1, 1))
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=.2)
n_features = X_train.shape[1]
n_out = Y_train.shape[1]
model = Sequential()
model.add(Dense(100, input_dim=n_features, activation='relu'))
model.add(Dense(n_out, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer='adam')
model.fit(X_train, Y_train)
