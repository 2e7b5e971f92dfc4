from keras.models import Sequential
from keras.layers import Conv2D, MaxPooling2D, PReLU, GaussianNoise, GaussianDropout, AlphaDropout, Dense, Flatten, ELU, ThresholdedReLU
model = Sequential()
model.add(GaussianNoise(0.1, input_shape=(28, 28, 1)))
model.add(Conv2D(32, (3, 3)))
model.add(PReLU())
model.add(MaxPooling2D(2))
model.add(Conv2D(32, (3, 3)))
model.add(ELU())
model.add(GaussianDropout(0.2))
model.add(Flatten())
model.add(AlphaDropout(0.1))
model.add(Dense(100, activation='selu'))
model.add(Dense(10, activation='softmax'))
