import numpy as np
import keras
from keras.datasets import mnist
from keras.models import Sequential
from keras.layers import Dense, Dropout, Flatten, Conv2D, MaxPooling2D
from keras import backend as K

(x_train, y_train), (x_test, y_test) = mnist.load_data()
rows = x_train[0].shape[0]
cols = x_train[1].shape[1]
classes = max(y_train) + 1

model = Sequential()
model.add(Conv2D(6, (5, 5), activation="tanh", padding="same", input_shape=(rows, cols, 1)))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Conv2D(16, (5, 5), activation="tanh"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(120, activation="tanh"))
model.add(Dense(84, activation="tanh"))
model.add(Dense(int(np.max(y_train)) + 1, activation="softmax"))

model.compile(loss="categorical_crossentropy", optimizer=keras.optimizers.SGD(lr=0.01), metrics=["accuracy"])
model.summary()
history = model.fit(x_train, y_train, batch_size=128, epochs=12, validation_data=(x_test, y_test))
score = model.evaluate(x_test, y_test, verbose=0)
print("Test accuracy:", score[1])
model.save("lenet.h5")
