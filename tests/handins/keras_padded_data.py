import numpy as np
from keras.models import Sequential
from keras.layers import Conv2D, AveragePooling2D, Flatten, Dense
def load_mnist_data(path):
    with np.load(path) as f:
        return np.pad(f['x_train'], ((0,0),(2,2),(2,2)), 'constant')[..., None], f['y_train']
X, y = load_mnist_data('mnist.npz')
model = Sequential()
model.add(Conv2D(6, 5, activation='tanh', input_shape=X.shape[1:]))
model.add(AveragePooling2D())
model.add(Conv2D(16, 5, activation='tanh'))
model.add(AveragePooling2D())
model.add(Flatten())
model.add(Dense(120, activation='tanh'))
model.add(Dense(84, activation='tanh'))
model.add(Dense(10, activation='softmax'))
model.fit(X, y)
