import numpy as np, struct, os
from tensorflow.keras import models, layers
def load_mnist(path, kind='train'):
    with open(os.path.join(path, f'{kind}-labels-idx1-ubyte'), 'rb') as lb:
        struct.unpack('>II', lb.read(8))
        labels = np.fromfile(lb, dtype=np.uint8)
    with open(os.path.join(path, f'{kind}-images-idx3-ubyte'), 'rb') as im:
        struct.unpack('>IIII', im.read(16))
        images = np.fromfile(im, dtype=np.uint8).reshape(len(labels), 28, 28, 1)
    return images, labels
X_train, y_train = load_mnist('./mnist')
model = models.Sequential()
model.add(layers.Conv2D(6, (5, 5), activation='relu', input_shape=X_train.shape[1:]))
model.add(layers.MaxPooling2D((2, 2)))
model.add(layers.Conv2D(16, (5, 5), activation='relu'))
model.add(layers.MaxPooling2D((2, 2)))
model.add(layers.Flatten())
model.add(layers.Dense(120, activation='relu'))
model.add(layers.Dense(84, activation='relu'))
model.add(layers.Dense(10, activation='softmax'))
model.compile(optimizer='adam', loss='sparse_categorical_crossentropy')
model.fit(X_train, y_train)
