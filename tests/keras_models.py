"""Keras models of a few layers each, as source code, and what the exporter and Keras itself make of them."""

from harness.backends.source import Sources
from harness.backends.tensorflow import backend
from harness.backends.tensorflow.imported import keras
from harness.records.framework import Framework
from harness.records.submission import SourceFile

HEAD = "import keras\nimport numpy as np\nimport tensorflow as tf\nfrom keras import layers as L\n"


def net(call, layers="pass", training=False):
    """A model with these layers, this call, and a last layer on its numbers."""
    return (
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        f"        {layers}\n        self.f = L.Flatten()\n        self.d = L.Dense(10)\n"
        f"    def call(self, x{', training=None' if training else ''}):\n        {call}\n"
        "        return self.d(self.f(x))\ndef build_model(): return Net()"
    )


def stack(layers):
    return f"def build_model(): return keras.Sequential([L.Input((28, 28, 1)), {layers}])"


# Recurrent layers are unrolled: few steps are traced soon
MODELS = {
    "a layer registered twice": net("x = self.b(self.a(x))", "self.a = self.b = L.Conv2D(1, 3, padding='same')"),
    "normalizations": stack(
        "L.Conv2D(4, 3), L.BatchNormalization(), L.LayerNormalization(), L.GroupNormalization(2), L.UnitNormalization(), L.Flatten(), L.Dense(10)"
    ),
    "local response normalization": stack(
        "L.Conv2D(8, 3), L.Lambda(lambda x: tf.nn.local_response_normalization(x, 4)), L.Flatten(), L.Dense(10)"
    ),
    "depthwise, separable, grouped, dilated": stack(
        "L.Conv2D(4, 3), L.DepthwiseConv2D(3, dilation_rate=2), L.SeparableConv2D(8, 3), L.Conv2D(8, 3, groups=2), L.GlobalMaxPooling2D(), L.Dense(10)"
    ),
    "residual": net("x = x + self.c(x)", "self.c = L.Conv2D(1, 3, padding='same', activation='relu')"),
    "concatenation": net(
        "x = tf.concat([self.c(x), self.e(x)], -1)",
        "self.c = L.Conv2D(2, 3, padding='same'); self.e = L.Conv2D(2, 5, padding='same')",
    ),
    "attention": net("x = x[..., 0]; x = self.a(x, x)", "self.a = L.MultiHeadAttention(2, 8)"),
    "dot-product attention": net("x = x[..., 0]; x = self.a([x, x])", "self.a = L.Attention()"),
    "LSTM": stack("L.Reshape((7, 112)), L.LSTM(16), L.Dense(10)"),
    "two LSTM with dropout": stack(
        "L.Reshape((7, 112)), L.LSTM(16, return_sequences=True), L.LSTM(8, dropout=0.1), L.Dense(10)"
    ),
    "LSTM both ways": stack("L.Reshape((7, 112)), L.Bidirectional(L.LSTM(16)), L.Dense(10)"),
    "GRU": stack("L.Reshape((7, 112)), L.GRU(16), L.Dense(10)"),
    "SimpleRNN": stack("L.Reshape((7, 112)), L.SimpleRNN(16), L.Dense(10)"),
    "stacked cells": stack("L.Reshape((7, 112)), L.RNN([L.GRUCell(16), L.GRUCell(8)]), L.Dense(10)"),
    "maxout": stack(
        "L.Flatten(), L.Dense(80), L.Reshape((20, 4)), L.Lambda(lambda x: tf.reduce_max(x, -1)), L.Dense(10)"
    ),
    "activations": stack(
        "L.Flatten(), L.Dense(20), L.PReLU(), L.ELU(), L.LeakyReLU(), L.ReLU(max_value=6), L.Dense(20, activation='gelu'), L.Dense(20, activation='selu'), L.Dense(20, activation='swish'), L.Dense(20, activation='mish'), L.Dense(20, activation='hard_sigmoid'), L.Dense(20, activation='softsign'), L.Dense(10)"
    ),
    "dropouts and noise": stack(
        "L.GaussianNoise(.1), L.Conv2D(4, 3), L.SpatialDropout2D(.2), L.GaussianDropout(.1), L.AlphaDropout(.1), L.Flatten(), L.Dropout(.5), L.Dense(10)"
    ),
    "a layer only in training": net(
        "x = self.p(x, training=training) if training else x", "self.p = L.Dropout(.4)", training=True
    ),
    "spatial transformer": net(
        "x = tf.raw_ops.ImageProjectiveTransformV3(images=x, transforms=tf.pad(self.l(self.f2(x)), [[0,0],[0,2]]), output_shape=[28,28], fill_value=0., interpolation='BILINEAR')",
        "self.f2 = L.Flatten(); self.l = L.Dense(6)",
    ),
    "augmentation": stack(
        "L.RandomRotation(0.1), L.RandomTranslation(.1, .1), L.RandomZoom(.1), L.Rescaling(2.), L.Flatten(), L.Dense(10)"
    ),
    "transposed and upsampled": stack(
        "L.Conv2D(4, 3, strides=2), L.UpSampling2D(), L.Conv2DTranspose(2, 3), L.Cropping2D(1), L.Flatten(), L.Dense(10)"
    ),
    "trainable subsampling": stack(
        "L.Conv2D(6, 5), L.AveragePooling2D(2), L.DepthwiseConv2D(1, activation='sigmoid'), L.Flatten(), L.Dense(10)"
    ),
    "rows as channels": stack(
        "L.Reshape((28, 28)), L.Conv1D(8, 3, activation='relu'), L.MaxPooling1D(2), L.GlobalAveragePooling1D(), L.Dense(10)"
    ),
    "three dimensions": stack("L.Reshape((28, 28, 1, 1)), L.Conv3D(2, (3, 3, 1)), L.Flatten(), L.Dense(10)"),
    "connection table": net(
        "x = tf.concat([c(tf.gather(self.a(x), t, axis=-1)) for c, t in zip(self.m, [[0,1,2],[1,2,3]])], -1)",
        "self.a = L.Conv2D(6, 5); self.m = [L.Conv2D(1, 5) for _ in range(2)]",
    ),
    "distance to centers": net(
        "x = tf.reduce_sum((self.f(x)[:, None] - self.w) ** 2, -1)", "self.w = self.add_weight(shape=(12, 784))"
    ),
}


def built(code):
    keras.utils.clear_session()
    files = [SourceFile("model.py", (HEAD + code).encode())]
    return backend.build(Sources(files, "model.py", Framework.TENSORFLOW), 1)


def eager(code):
    keras.utils.set_random_seed(1)
    namespace = {}
    exec(HEAD + code, namespace)
    return namespace["build_model"]()
