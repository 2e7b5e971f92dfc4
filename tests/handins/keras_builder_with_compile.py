import tensorflow as tf
from tensorflow.keras import layers, models, optimizers
import matplotlib.pyplot as plt

def create_model():
    model = models.Sequential([
        layers.Conv2D(6, 5, padding="same", activation="relu", input_shape=(28, 28, 1)),
        layers.AveragePooling2D(), layers.Conv2D(16, 5, activation="relu"), layers.AveragePooling2D(),
        layers.Flatten(), layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"),
        layers.Dense(10, activation="softmax")])
    opt = optimizers.Adam(lr=0.001, decay=1e-5)
    model.compile(optimizer=opt, loss="sparse_categorical_crossentropy", metrics=["acc"])
    model.summary()
    return model


def train_model(model):
    (x, y), _ = tf.keras.datasets.mnist.load_data()
    return model.fit(x[..., None] / 255.0, y, epochs=5)


model = create_model()
history = train_model(model)
plt.plot(history.history["acc"])
plt.show()
