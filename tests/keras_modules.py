"""Random Keras modules: honest layers, and among them what a maker hides."""

from keras_hidings import BATCH, NUMBERS, TRAINING
from made_modules import Made, Maker, choose

NAMES = (
    "relu tanh sigmoid gelu silu elu leaky_relu softplus relu6 selu mish hard_sigmoid softsign celu exponential".split()
)


def activation(to):
    ways = [f"keras.activations.{to.random.choice(NAMES)}(x)", "1.7159 * K.tanh(2 / 3 * x)", "K.sin(x)", "K.square(x)"]
    to.do(f"x = {to.random.choice(ways)}")


def layer(to, *choices):
    to.do(f"x = {to.attribute(f'L.{to.random.choice(choices)}')}(x)")


def activation_layer(to):
    layer(to, "PReLU()", "ELU()", "LeakyReLU()", "ReLU()", "ReLU(max_value=6)", "Activation('tanh')", "Softmax()")


def chance(to):
    layer(to, "Dropout(0.5)", "Dropout(0.25)", "GaussianNoise(0.1)", "GaussianDropout(0.1)", "AlphaDropout(0.1)")


def convolution(to):
    side, _, channels = to.shape
    kernel, filters = to.random.choice([1, 2, 3, 5]), to.random.randint(1, 5)
    padding, stride = to.random.choice(["same", "valid"]), to.random.choice([1, 1, 2])
    after = -(-side // stride) if padding == "same" else (side - kernel) // stride + 1
    if after < 3:
        return
    act = to.random.choice(["None", "'relu'", "'tanh'"])
    settings = f"{kernel}, {stride}, {padding!r}, activation={act}, use_bias={to.random.random() < 0.7}"
    kinds = [
        (f"Conv2D({filters}, ", filters),
        (f"Conv2D({filters * channels}, groups={channels}, kernel_size=", filters * channels),
        ("DepthwiseConv2D(", channels),
        (f"SeparableConv2D({filters}, ", filters),
    ]
    kind, filters = to.random.choice(kinds)
    if "groups" in kind:
        settings = settings.replace(f", {stride}, {padding!r}", f", strides={stride}, padding={padding!r}")
    layer(to, f"{kind}{settings})")
    to.shape = (after, after, filters)


def pooling(to):
    side, _, channels = to.shape
    if side >= 6:
        layer(to, "MaxPooling2D(2)", "AveragePooling2D(2)")
        to.shape = (side // 2, side // 2, channels)


def normalization(to):
    kinds = ["BatchNormalization()", "BatchNormalization(momentum=0.9, scale=False)", "LayerNormalization()"]
    layer(to, *kinds, "GroupNormalization(1)", "UnitNormalization()", "SpatialDropout2D(0.1)")


def residual(to):
    held = to.attribute(f"L.Conv2D({to.shape[2]}, 3, padding='same', activation='relu')")
    to.do(f"x = x + {held}(x)")


def branches(to):
    side = to.shape[0]
    held = [to.attribute(f"L.Conv2D(2, {k}, padding='same')") for k in (1, 3)]
    to.do(f"x = K.concatenate([{held[0]}(x), {held[1]}(x)], -1)")
    to.shape = (side, side, 4)


def squeeze(to):
    held = to.attribute(f"L.Dense({to.shape[2]}, activation='sigmoid')")
    to.do(f"x = x * {held}(K.mean(x, (1, 2), keepdims=True))")


def standardized(to):
    to.do("x = (x - K.mean(x, (1, 2, 3), keepdims=True)) / (K.std(x, (1, 2, 3), keepdims=True) + 1e-5)")


def mirrored(to):
    to.do("x = (x + K.flip(x, 2)) / 2")


def enlarged(to):
    side, _, channels = to.shape
    if side < 9:
        layer(to, "UpSampling2D()", f"Conv2DTranspose({channels}, 2, 2)")
        to.shape = (2 * side, 2 * side, channels)


def bordered(to):
    side, _, channels = to.shape
    more = to.random.choice([1, -1])
    if 6 <= side < 12:
        layer(to, "ZeroPadding2D(1)" if more > 0 else "Cropping2D(1)")
        to.shape = (side + 2 * more, side + 2 * more, channels)


def augmentation(to):
    layer(to, "RandomTranslation(0.1, 0.1)", "RandomRotation(0.1)", "RandomZoom(0.1)")


OF_IMAGES = (
    *[activation, activation_layer, chance, convolution, convolution, pooling, normalization, normalization, residual],
    *[branches, squeeze, standardized, mirrored, enlarged, bordered],
)


def dense(to, least=2, units=0):
    units = units or to.random.randint(least, 24)
    act = "" if to.random.random() < 0.6 else f", activation={to.random.choice(NAMES)!r}"
    layer(to, f"Dense({units}, use_bias={to.random.random() < 0.8}{act})")
    to.shape = (units,)


def normalized_rows(to):
    layer(to, "BatchNormalization()", "LayerNormalization()", "UnitNormalization()", "BatchNormalization(center=False)")


def wide(to):
    held = [to.attribute(f"L.Dense({units}, activation='relu')") for units in (to.random.randint(2, 9), to.size)]
    to.do(f"x = x + {held[1]}({held[0]}(x))")


def gated(to):
    held = [to.attribute(f"L.Dense({to.size})") for _ in range(2)]
    to.do(f"x = {held[0]}(x) * K.sigmoid({held[1]}(x))")


def maxout(to):
    held = to.attribute(f"L.Dense({3 * to.size})")
    to.do(f"x = K.max(K.reshape({held}(x), (-1, {to.size}, 3)), -1)")


def scaled(to):
    kinds = [f"self.add_weight(shape=({to.size},), initializer={kind!r})" for kind in ("ones", "zeros")]
    scale, shift = map(to.attribute, kinds)
    to.do(f"x = x * {scale} + {shift}")


def sequence(to):
    steps = next((s for s in (4, 3, 2) if to.size % s == 0 and to.size // s <= 40), 0)
    if not steps:
        return
    inputs, units = to.size // steps, to.random.choice([2, 4])
    kind = to.random.choice(["SimpleRNN", "GRU", "LSTM", "attention", "Conv1D"])
    to.do(f"x = K.reshape(x, (-1, {steps}, {inputs}))")
    if kind == "attention":
        to.do(f"x = K.mean(x + {to.attribute('L.MultiHeadAttention(1, 2)')}(x, x), 1)")
        to.shape = (inputs,)
        return
    layer(to, f"{kind}({units}, 2, padding='same')" if kind == "Conv1D" else f"{kind}({units})")
    if kind == "Conv1D":
        to.do("x = K.max(x, 1)")
    to.shape = (units,)


def same_in_another_order(to):
    ways = [
        "x = K.transpose(K.transpose(x))",
        "x = K.transpose(K.softmax(K.transpose(x), 0))",
        "x = K.concatenate([x, x], 0)[: K.shape(x)[0]]",
        f"x = K.reshape(x, (-1, 1, {to.size}))[:, 0]",
        "x = K.max(K.stack([x, -x], 1), 1)",
        "x = K.zeros_like(x) + x",
        "x = K.where(x > 0, x, K.exp(x))",
    ]
    to.do(to.random.choice(ways))


def mixed_in_training(to):
    to.do("x = x - K.mean(x, 0, keepdims=True) if training else x")


OF_ROWS = (
    *[activation, activation_layer, chance, dense, dense, normalized_rows, wide, gated, maxout, scaled, sequence],
    *[same_in_another_order, mixed_in_training],
)
HEAD = "import functools\n\nimport keras\nimport numpy as np\nimport tensorflow as tf\nfrom keras import layers as L\nfrom keras import ops as K\n\n\n"


def module(seed: int) -> Made:
    """The module of a seed."""
    kind, ways = choose(seed, {"honest": [], "numbers": NUMBERS, "training": TRAINING, "batch": BATCH})
    to = Maker(seed, (28, 28, 1))
    if to.random.random() < 0.1:
        augmentation(to)
    pool = to.random.choice([4, 4, 7])
    layer(to, f"MaxPooling2D({pool})", f"AveragePooling2D({pool})")
    to.shape = (28 // pool, 28 // pool, 1)
    for _ in range(to.random.randint(0, 4)):
        to.random.choice(OF_IMAGES)(to)
    side, _, channels = to.shape
    average = side * channels > 60
    layer(to, "GlobalAveragePooling2D()" if average else "Flatten()")
    to.shape = (channels if average else side * side * channels,)
    dense(to, least=4)
    for _ in range(to.random.randint(0, 3)):
        to.random.choice(OF_ROWS)(to)
    if to.size < 4:
        dense(to, least=4)
    table = {"honest": {}, "numbers": NUMBERS, "training": TRAINING, "batch": BATCH}[kind]
    conditions = {"numbers": ["", "", "", "training", "not training"], "batch": ["", "not training"]}.get(kind, [""])
    bits = 0.0
    for way in ways:
        to.when = to.random.choice(conditions)
        bits += table[way](to) or 0.0
        to.when = ""
    for _ in range(to.random.randint(0, 2)):
        to.random.choice(OF_ROWS)(to)
    dense(to, units=10)
    return Made(seed, kind, ways, code_of(to), bits)


def code_of(to: Maker) -> str:
    init = "\n        ".join(["super().__init__()", *to.init])
    forward = "\n        ".join([*to.forward, "return x"])
    return (
        f"{HEAD}class Net(keras.Model):\n    def __init__(self):\n        {init}\n\n"
        f"    def call(self, x, training=None):\n        {forward}\n\n\ndef build_model():\n    return Net()\n"
    )
