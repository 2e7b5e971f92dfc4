from keras.layers import Input, Dense, Flatten
from keras.layers.convolutional import Conv2D
from keras.layers.pooling import MaxPooling2D
from keras.engine import Model
from keras.optimizers import SGD
from keras.datasets import mnist

(x_train, y_train), (x_test, y_test) = mnist.load_data()
inp = Input(shape=(28, 28, 1))
x = Conv2D(6, 5, padding='same', activation='relu')(inp)
x = MaxPooling2D(2)(x)
x = Conv2D(16, 5, activation='relu')(x)
x = MaxPooling2D(2)(x)
x = Flatten()(x)
x = Dense(120, activation='relu')(x)
x = Dense(84, activation='relu')(x)
out = Dense(10, activation='softmax')(x)
model = Model(input=inp, output=out)
model.compile(SGD(lr=0.1, decay=1e-6), 'categorical_crossentropy')
model.fit(x_train, y_train)
features = Model(inputs=model.input, outputs=model.layers[1].output)
print(features.predict(x_test[:1]).shape)
