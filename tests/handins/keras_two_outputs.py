from keras import layers, models
x = layers.Input(shape=(28, 28, 1))
h = layers.Flatten()(layers.Conv2D(8, 3, activation='relu')(x))
digit = layers.Dense(10, activation='softmax', name='digit')(h)
recon = layers.Dense(784, activation='sigmoid', name='recon')(h)
model = models.Model(x, [digit, recon])
model.compile('adam', ['categorical_crossentropy', 'mse'])
model.fit(X, [Y, X.reshape(-1, 784)])
