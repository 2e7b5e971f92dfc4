import keras
from keras import layers
from keras.models import Sequential
from keras.datasets import mnist


class LeNet(Sequential):
    def __init__(self, input_shape, nb_classes):
        super().__init__()
        self.add(layers.Conv2D(6, kernel_size=(5, 5), activation="tanh", input_shape=input_shape, padding="same"))
        self.add(layers.AveragePooling2D())
        self.add(layers.Conv2D(16, kernel_size=(5, 5), activation="tanh"))
        self.add(layers.AveragePooling2D())
        self.add(layers.Flatten())
        self.add(layers.Dense(120, activation="tanh"))
        self.add(layers.Dense(84, activation="tanh"))
        self.add(layers.Dense(nb_classes, activation="softmax"))
        self.compile(optimizer="adam", loss=keras.losses.categorical_crossentropy)


(x_train, y_train), (x_test, y_test) = mnist.load_data()
x_train = x_train[:, :, :, None]
model = LeNet(x_train[0].shape, 10)
model.fit(x_train, y_train)
