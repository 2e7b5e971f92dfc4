import numpy as np
from keras.models import Sequential
from keras.layers import Dense
data = np.load('features.npz')
X, y = data['X'], data['y']
model = Sequential()
model.add(Dense(64, input_dim=X.shape[1], activation='relu'))
model.add(Dense(y.shape[1], activation='softmax'))
model.compile('adam', 'categorical_crossentropy')
model.fit(X, y)
