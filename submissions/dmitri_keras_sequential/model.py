# LeNet-5, classic version (tanh, average pooling)
from keras import Input, Sequential
from keras.layers import AveragePooling2D, Conv2D, Dense, Flatten


def build_model():
    model = Sequential(name="lenet5")
    model.add(Input(shape=(28, 28, 1)))
    model.add(Conv2D(6, kernel_size=(5, 5), padding="same", activation="tanh"))
    model.add(AveragePooling2D(pool_size=(2, 2), strides=(2, 2)))
    model.add(Conv2D(16, kernel_size=(5, 5), activation="tanh"))
    model.add(AveragePooling2D(pool_size=(2, 2), strides=(2, 2)))
    model.add(Flatten())
    model.add(Dense(120, activation="tanh"))
    model.add(Dense(84, activation="tanh"))
    model.add(Dense(10))  # no softmax here, the loss wants logits
    return model
