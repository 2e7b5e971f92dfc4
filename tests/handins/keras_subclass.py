import tensorflow as tf
from tensorflow.keras import Model, layers


class LeNet(Model):
    def __init__(self):
        super(LeNet, self).__init__()
        self.conv1 = layers.Conv2D(6, 5, padding="same", activation="relu")
        self.pool = layers.MaxPool2D(2)
        self.conv2 = layers.Conv2D(16, 5, activation="relu")
        self.flatten = layers.Flatten()
        self.fc1 = layers.Dense(120, activation="relu")
        self.fc2 = layers.Dense(84, activation="relu")
        self.out = layers.Dense(10)

    def call(self, x, training=False):
        x = self.pool(self.conv1(x))
        x = self.pool(self.conv2(x))
        return self.out(self.fc2(self.fc1(self.flatten(x))))


lenet = LeNet()
(x_train, y_train), _ = tf.keras.datasets.mnist.load_data()


def run_optimization(x, y):
    with tf.GradientTape() as g:
        loss = tf.reduce_mean(lenet(x))
    gradients = g.gradient(loss, lenet.trainable_variables)


for step in range(100):
    run_optimization(x_train, y_train)
