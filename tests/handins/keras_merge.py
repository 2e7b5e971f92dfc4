from keras.layers import Input, Dense, Flatten, merge
from keras.models import Model
a = Input((28, 28, 1))
b = Flatten()(a)
x = merge([Dense(5)(b), Dense(5)(b)], mode='concat')
model = Model(input=a, output=Dense(10)(x))
