from keras.models import Sequential
from keras.layers import Dense, Flatten, Convolution2D, MaxPooling2D

def lenet():
    model = Sequential()
    model.add(Convolution2D(6, 5, 5, border_mode='same', activation='relu', input_shape=(1, 28, 28), dim_ordering='th'))
    model.add(MaxPooling2D((2, 2), dim_ordering='th'))
    model.add(Convolution2D(16, 5, 5, activation='relu', dim_ordering='th'))
    model.add(MaxPooling2D((2, 2), dim_ordering='th'))
    model.add(Flatten())
    model.add(Dense(120, activation='relu'))
    model.add(Dense(84, activation='relu'))
    model.add(Dense(10, activation='softmax'))
    model.compile(loss='categorical_crossentropy', optimizer='sgd')
    return model
