from keras.models import Sequential
from keras.layers.core import Dense, Activation, Flatten
from keras.layers.convolutional import Convolution2D, MaxPooling2D
from keras.utils import np_utils
from keras.datasets import mnist
from keras import backend as K

K.set_image_dim_ordering("tf")
nb_classes = 10
(X_train, y_train), (X_test, y_test) = mnist.load_data()
Y_train = np_utils.to_categorical(y_train, nb_classes)
model = Sequential()
model.add(Convolution2D(6, 5, 5, border_mode="same", init="glorot_normal", input_shape=(28, 28, 1)))
model.add(Activation("tanh"))
model.add(MaxPooling2D(pool_size=(2, 2), strides=(2, 2)))
model.add(Convolution2D(nb_filter=16, nb_row=5, nb_col=5, border_mode="valid"))
model.add(Activation("tanh"))
model.add(MaxPooling2D(pool_size=(2, 2), strides=(2, 2)))
model.add(Flatten())
model.add(Dense(output_dim=120))
model.add(Activation("tanh"))
model.add(Dense(84, init="uniform"))
model.add(Activation("tanh"))
model.add(Dense(nb_classes))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adadelta")
model.fit(X_train, Y_train, nb_epoch=12)
