"""More Keras models: layers and functions that an exercise may use, each with its settings."""

from keras_models import net, stack


def small(layers):
    return stack(f"{layers}, L.Flatten(), L.Dense(10)")


ROWS = "L.Reshape((28, 28)), "
SEQUENCE = "L.Reshape((7, 112)), "

WINDOWS = {
    "dilated rows": small(ROWS + "L.Conv1D(4, 3, dilation_rate=2), L.Conv1D(4, 3, dilation_rate=3, padding='same')"),
    "causal rows": small(ROWS + "L.Conv1D(4, 3, dilation_rate=2, padding='causal')"),
    "rows in steps": small(
        ROWS + "L.Conv1D(4, 4, strides=3, padding='same'), L.AveragePooling1D(3, 2, padding='same')"
    ),
    "separable rows": small(
        ROWS + "L.SeparableConv1D(4, 3, dilation_rate=2), L.DepthwiseConv1D(3, depth_multiplier=2)"
    ),
    "transposed rows": small(ROWS + "L.Conv1DTranspose(4, 3, strides=2, padding='same')"),
    "dilations": small(
        "L.Conv2D(4, (3, 5), dilation_rate=(2, 1), padding='same'), L.Conv2D(4, 3, dilation_rate=(1, 2))"
    ),
    "depthwise dilations": small(
        "L.Conv2D(4, 3), L.DepthwiseConv2D(3, dilation_rate=2, padding='same', depth_multiplier=2)"
    ),
    "depthwise steps": small("L.Conv2D(4, 3), L.DepthwiseConv2D(3, strides=2, padding='same')"),
    "transposed": small(
        "L.Conv2D(3, 3, strides=2), L.Conv2DTranspose(4, 5, strides=3, padding='same', output_padding=1)"
    ),
    "transposed dilations": small("L.Conv2DTranspose(4, 3, dilation_rate=2)"),
    "volumes": small("L.Reshape((28, 7, 4, 1)), L.Conv3D(2, 3, padding='same', strides=2), L.MaxPooling3D(2)"),
    "pools": small("L.Conv2D(4, 3), L.AveragePooling2D(3, 2, padding='same'), L.MaxPooling2D(3, 2, padding='same')"),
    "channels first": small("L.Permute((3, 2, 1)), L.Conv2D(4, 3, data_format='channels_first')"),
    "upsampled": small("L.AveragePooling2D(2), L.UpSampling2D(2, interpolation='bilinear'), L.UpSampling2D(2)"),
    "resized": small("L.Resizing(32, 17, interpolation='nearest'), L.Resizing(20, 24)"),
    "padded and cropped": small("L.ZeroPadding2D(((1, 2), (3, 4))), L.Cropping2D(((2, 0), (0, 3)))"),
}
NORMALIZED = {
    "without scale or center": small(
        "L.Conv2D(4, 3), L.BatchNormalization(scale=False), L.ReLU(), L.BatchNormalization(center=False, momentum=.9), L.Conv2D(3, 3), L.BatchNormalization(scale=False, center=False, epsilon=1e-5)"
    ),
    "batch normalization, channels first": small(
        "L.Reshape((1, 28, 28)), L.Conv2D(4, 3, data_format='channels_first'), L.BatchNormalization(axis=1)"
    ),
    "of rows and vectors": small(
        ROWS + "L.Conv1D(4, 3), L.BatchNormalization(), L.Flatten(), L.Dense(20), L.BatchNormalization()"
    ),
    "a shared normalization": net(
        "x = self.b(self.c(self.b(self.c(x))))", "self.b = L.BatchNormalization(); self.c = L.Conv2D(1, 3)"
    ),
    "a frozen one": net(
        "x = self.b(self.c(x))", "self.b = L.BatchNormalization(trainable=False); self.c = L.Conv2D(1, 3)"
    ),
    "one that always trains": net("x = self.b(x, training=True)", "self.b = L.BatchNormalization()"),
    "a fused one": net(
        "x = tf.compat.v1.nn.fused_batch_norm(self.c(x), self.g, self.b, self.g, self.g, is_training=False)[0]",
        "self.g = self.add_weight(shape=(2,), initializer='ones'); self.b = self.add_weight(shape=(2,)); self.c = L.Conv2D(2, 3)",
    ),
    "layer normalizations": small(
        "L.Conv2D(4, 3), L.LayerNormalization(), L.LayerNormalization(axis=[1, 2, 3]), L.LayerNormalization(center=False), L.LayerNormalization(scale=False)"
    ),
    "group normalizations": small(
        "L.Conv2D(4, 3), L.GroupNormalization(2), L.GroupNormalization(-1), L.GroupNormalization(1, center=False), L.GroupNormalization(4, scale=False)"
    ),
    "others": small("L.RMSNormalization(), L.Normalization(mean=.13, variance=.09)"),
}
RANDOM = {
    "dropouts": small(
        "L.Dropout(.25, seed=3), L.Conv2D(4, 3), L.Dropout(.4), L.SpatialDropout2D(.5), L.Dropout(.3, noise_shape=(None, 1, 26, 1))"
    ),
    "flips": small("L.RandomFlip()"),
    "borders": small(
        "L.RandomRotation(.1, fill_mode='constant'), L.RandomRotation(.1, fill_mode='nearest', interpolation='nearest')"
    ),
    "far away": small("L.RandomTranslation(.9, .9), L.RandomZoom((-.5, .9), (-.3, .3)), L.RandomShear(.2, .2)"),
    "brightness": small("L.RandomContrast(.3), L.RandomBrightness(.3, value_range=(0, 1))"),
    "noise of TensorFlow": net(
        "x = x + tf.random.uniform(tf.shape(x), -.1, .1) + tf.random.normal(tf.shape(x), 0., .1) if training else x",
        training=True,
    ),
    "dropout in attention": net(
        "x = x[..., 0]; x = self.a(x, x, training=training)",
        "self.a = L.MultiHeadAttention(2, 8, dropout=.2)",
        training=True,
    ),
    "dropout in a sequence": stack(
        SEQUENCE + "L.GRU(6, reset_after=False, dropout=.2, recurrent_dropout=.2), L.Dense(10)"
    ),
}
OTHERS = {
    "grouped attention": net("x = x[..., 0]; x = self.a(x, x) + self.b([x, x])", "self.a = L.GroupQueryAttention(4, 4, 2); self.b = L.AdditiveAttention()"),
    "a vision transformer": net(
        "x = self.p(x); x = keras.ops.reshape(x, (-1, 16, 8)); x = x + self.e(np.arange(16)); x = x + self.a(self.l(x), self.l(x)); x = x + self.o(self.h(self.k(x)))",
        "self.p = L.Conv2D(8, 7, strides=7); self.e = L.Embedding(16, 8); self.a = L.MultiHeadAttention(2, 4); self.l = L.LayerNormalization(); self.k = L.LayerNormalization(); self.h = L.Dense(16, activation='gelu'); self.o = L.Dense(8)",
    ),
    "a token for each image": net("x = keras.ops.concatenate([keras.ops.tile(self.w, [keras.ops.shape(x)[0], 1, 1]), x[..., 0]], 1)", "self.w = self.add_weight(shape=(1, 1, 28))"),
    "squeeze and excitation": net("x = self.c(x); x = x * keras.ops.sigmoid(self.e(keras.ops.mean(x, [1, 2], keepdims=True)))", "self.c = L.Conv2D(4, 3); self.e = L.Dense(4)"),
    "shuffled channels": net("x = keras.ops.reshape(self.c(x), (-1, 26, 26, 2, 2)); x = keras.ops.transpose(x, (0, 1, 2, 4, 3))", "self.c = L.Conv2D(4, 3)"),
    "merged": net(
        "a = self.a(x); b = self.b(x); x = L.Add()([a, b]); x = L.Concatenate()([x, a]); x = L.Multiply()([x, x]); x = L.Average()([x, x, -x]); x = L.Maximum()([x, -x]); x = L.Minimum()([x, x * 2]); x = L.Subtract()([x, x * .3])",
        "self.a = L.Conv2D(2, 3); self.b = L.Conv2D(2, 3)",
    ),
    "slices": net("x = x[:, ::-1, ::-2]; x = x[:, -3:-20:-3, 4:-4]; a, b, c = tf.split(x, [1, -1, 2], 1); x = tf.concat([c, tf.reverse(b, [1]), a], 1)"),
    "statistics of an image": net("x = tf.image.per_image_standardization(x); x = tf.math.l2_normalize(x, [1, 2, 3]); x = x / (tf.norm(x, axis=[1, 2], keepdims=True) + .1)"),
    "a look-up": net("x = tf.nn.embedding_lookup(self.w, tf.cast(x[:, :, 3, 0] * 9, tf.int32))", "self.w = self.add_weight(shape=(10, 3))"),
    "normalized weights": net("x = tf.matmul(tf.reshape(x, [-1, 784]), self.w / tf.norm(self.w, axis=0))", "self.w = self.add_weight(shape=(784, 10))"),
    "a stopped gradient": net("x = self.a(x) + tf.stop_gradient(self.a(x))", "self.a = L.Conv2D(2, 3)"),
    "a counter": net("self.n.assign_add(1)", "self.n = tf.Variable(0, trainable=False)"),
    "a deep block": small("L.Conv2D(4, 3), L.BatchNormalization(), L.Activation('relu'), L.MaxPooling2D(), L.Dropout(.3), L.Conv2D(4, 3), L.BatchNormalization()"),
    "a convolution of sequences": stack("L.Reshape((4, 14, 14, 1)), L.ConvLSTM2D(2, 3), L.Flatten(), L.Dense(10)"),
    "both ways": stack(SEQUENCE + "L.Bidirectional(L.GRU(6, return_sequences=True), merge_mode='sum'), L.TimeDistributed(L.Dense(3)), L.Flatten(), L.Dense(10)"),
}  # fmt: skip

ACTIVATIONS = (
    "relu relu6 leaky_relu elu selu celu gelu silu sigmoid tanh softplus softsign softmax log_softmax hard_sigmoid"
    " hard_silu hard_tanh tanh_shrink hard_shrink soft_shrink squareplus sparse_plus log_sigmoid exponential mish"
).split()
EACH = "[getattr(keras.activations, name)(self.h(self.f(x))) for name in NAMES]"
FURTHER = {
    **WINDOWS,
    **NORMALIZED,
    **RANDOM,
    **OTHERS,
    "activations of Keras": f"NAMES = {ACTIVATIONS}\n"
    + net(
        f"x = keras.ops.concatenate({EACH} + [keras.activations.gelu(self.h(self.f(x)), approximate=True)], 1)",
        "self.h = L.Dense(12)",
    ),
}
