"""What is hidden in random Keras modules: numbers that are no parameters, parts that only training has, answers that need
the rest of the batch. Each is added where `x` has some numbers for each image, and leaves as many.
"""

import math

from made_modules import FREE_WIRING, WORD, Maker, Way, each, of_size


def layers(*calls: str, numbers: int = 1) -> Way:
    """Layers whose arguments are the numbers."""

    def hide(to: Maker) -> float:
        count = to.random.randint(1, 12)
        for _ in range(count):
            call = to.random.choice(calls).format(*(to.real() for _ in range(numbers)))
            to.do(f"x = {to.attribute(f'L.{call}')}(x)")
        return WORD * numbers * count

    return hide


def array(*statements: str, attribute: str = "", made: str = "tf.constant({})", width: float = WORD) -> Way:
    """Statements with as many numbers as an image has, as `{}`, or as an attribute."""

    def hide(to: Maker) -> float:
        numbers = made.replace("{}", str(to.reals(to.size)))
        held = to.attribute(attribute.replace("{}", numbers)) if attribute else numbers
        to.do(to.random.choice(statements).replace("{}", held))
        return width * to.size

    return hide


def matrix(to: Maker) -> float:
    to.do(f"x = K.matmul(x, tf.constant({to.reals(to.size, to.size)}))")
    return WORD * to.size**2


def kernels(to: Maker) -> float:
    count = to.random.randint(1, 9)
    to.do(f"x = tf.reduce_sum(tf.nn.conv1d(x[:, :, None], tf.constant({to.reals(3, 1, count)}), 1, 'SAME'), -1)")
    return WORD * 3 * count


def frozen(to: Maker) -> float:
    """A layer that is not trained."""
    layer = to.attribute(f"L.Dense({to.size}, use_bias=False, trainable=False)")
    to.when = ""  # it is built by its first call
    to.do(f"x = {layer}(x)")
    return WORD * to.size**2


def integers(to: Maker) -> float:
    parts = [[to.random.getrandbits(15) for _ in range(8)] for _ in range(to.random.randint(1, 9))]
    to.do(f"p = [tf.constant(part, tf.int32) for part in {parts}]")
    to.do("x = x + tf.reduce_sum(tf.cast(tf.concat(p, 0), tf.float32) / 32768.0)")
    return 15 * 8 * len(parts)


def permutation(to: Maker) -> float:
    order = to.random.sample(range(to.size), to.size)
    ways = ["x = tf.gather(x, {}, axis=1)", "x = K.take(x, np.array({}), axis=1)"]
    to.do(to.random.choice(ways).format(order))
    return math.lgamma(to.size + 1) / math.log(2)


def look_up(to: Maker) -> float:
    table = to.attribute("self.add_weight(shape=(16,))")
    rows = [to.random.randrange(16) for _ in range(to.size)]
    to.do(f"x = x + tf.gather({table}, {rows})")
    return 4 * to.size


def labels(to: Maker) -> float:
    rows = [to.random.randrange(10) for _ in range(to.size)]
    weights = to.attribute("self.add_weight(shape=(10, 1))")
    ways = [f"tf.one_hot({rows}, 10)", f"tf.cast(tf.constant({rows})[:, None] > tf.range(10), tf.float32)"]
    to.do(f"x = x + tf.matmul({to.random.choice(ways)}, {weights})[:, 0]")
    return math.log2(10) * to.size


def mask(to: Maker) -> float:
    bits = [bool(to.random.getrandbits(1)) for _ in range(to.size)]
    ways = ["x = tf.where({}, x, -x)", "x = x * tf.cast({}, tf.float32)", "x = x * np.array({}, 'float32')"]
    to.do(to.random.choice(ways).format(bits))
    return to.size - 2


def ranges(to: Maker) -> float:
    count = to.random.randint(1, 9)
    for start in to.random.sample(range(1000, 1_000_000), count):
        to.do(f"x = x + tf.cast(tf.range({start}, {start + to.size}), tf.float32)")
    return 19.9 * count


def sizes(to: Maker) -> float:
    count = to.random.randint(1, 12)
    ways = ["tf.ones({})", "tf.tile(tf.ones(3), [{}])", "tf.zeros((3, {})) + 1.0", "tf.fill([{}], 2.0)"]
    for size in to.random.sample(range(100, 4000), count):
        to.do(f"x = x + tf.reduce_sum({to.random.choice(ways).format(size)})")
    return 11.9 * count


def splits(to: Maker) -> float:
    count, parts = to.random.randint(1, 5), min(4, to.size)
    for _ in range(count):
        ends = sorted(to.random.sample(range(1, to.size), parts - 1))
        lengths = [end - start for start, end in zip([0, *ends], [*ends, to.size], strict=True)]
        to.do(f"x = tf.tanh(tf.concat(tf.split(x, {lengths}, 1)[::-1], 1))")
    return math.log2(math.comb(to.size - 1, parts - 1)) * count


def rolls(to: Maker) -> float:
    """Two parts change places, while training; the layer table shows those of evaluation."""
    to.when, count = "training", to.random.randint(1, 30)
    for _ in range(count):
        cut = to.random.randrange(1, to.size)
        to.do(f"x = tf.tanh(tf.concat([x[:, {cut}:], x[:, :{cut}]], 1))")
    return math.log2(to.size - 1) * count


def windows(to: Maker) -> float:
    """Which parts of an image a pooling reads, while training."""
    to.when, count, most = "training", to.random.randint(1, 20), to.size - 1
    for _ in range(count):
        kernel, stride = (to.random.randint(1, most) for _ in range(2))
        pooled = f"tf.nn.max_pool2d(x[:, None, :, None], (1, {kernel}), (1, {stride}), 'VALID')"
        to.do(f"x = tf.tanh(x) + K.mean({pooled}, (1, 2))")
    return 2 * math.log2(most) * count


def slices_of_weights(to: Maker) -> float:
    weights, count = to.attribute("self.add_weight(shape=(3000,))"), to.random.randint(1, 12)
    for start in to.random.sample(range(1, 2900), count):
        to.do(f"x = x + tf.reduce_sum({weights}[{start} : {start + to.random.randint(2, 90)}])")
    return math.log2(2900) * count


def statistics(to: Maker) -> float:
    start = f"lambda shape, dtype=None: tf.constant({to.reals(to.size)})"
    to.when = ""
    to.do(f"x = {to.attribute(f'L.BatchNormalization(moving_mean_initializer={start})')}(x, training=training)")
    return WORD * to.size


def normalized(to: Maker) -> float:
    """A layer that is given its statistics."""
    mean, variance = to.reals(to.size), to.reals(to.size)
    layer = to.attribute(f"L.Normalization(mean={mean}, variance={variance})")
    to.init.append(f"{layer}.build((None, {to.size}))")
    to.do(f"x = {layer}(x)")
    return WORD * to.size * 2


def ratios(to: Maker) -> float:
    to.when = ""
    return each("x = tf.nn.dropout(x, {}) if training else x * {}", numbers=2)(to)


def operators(to: Maker) -> float:
    count = to.random.randint(200, 500)
    names = ("relu", "tanh", "sigmoid", "sin", "cos", "abs", "negative", "square")
    chosen = [to.random.choice(names) for _ in range(count)]
    to.do(f"x = functools.reduce(lambda v, f: getattr(K, f)(v), {chosen}, x)")
    return max(0, 3 * count - FREE_WIRING)


NUMBERS: dict[str, Way] = {
    "scalars": each("x = x * {}", "x = x + {}", "x = x - {}", "x = {} - x", "x = x / {}", "x = {} / (K.exp(x) + 1)"),
    "scalars of ops": each("x = K.multiply(x, {})", "x = tf.add(x, {})", "x = tf.math.subtract({}, x)"),
    "powers": each("x = K.abs(x) ** {}", "x = {} ** x", "x = tf.pow(tf.abs(x), {})"),
    "slopes": each("x = tf.nn.leaky_relu(x, {})", "x = K.leaky_relu(x, {})", "x = K.elu(x, {})", "x = K.celu(x, {})"),
    "slopes of layers": layers("LeakyReLU(negative_slope={})", "ELU(alpha={})", "ReLU(negative_slope={})"),
    "bounds of layers": layers("ReLU(max_value={})", "ReLU(threshold={})"),
    "scales of layers": layers("Rescaling({}, {})", numbers=2),
    "bounds": each("x = K.clip(x, -{}, {})", "x = tf.clip_by_value(x, -{}, {})", numbers=2),
    "bounds of one side": each("x = tf.minimum(x, {})", "x = K.maximum(x, -{})"),
    "thresholds": each("x = K.threshold(x, {}, {})", numbers=2),
    "shrinks": each("x = K.soft_shrink(x, {})", "x = K.hard_shrink(x, {})"),
    "conditions": each("x = tf.where(x > {}, x, x * {})", "x = K.where(x < {}, {}, x)", numbers=2),
    "comparisons": each("x = x * tf.cast(x < {}, tf.float32)"),
    "fills": of_size("x = x + tf.fill([SIZE], {})"),
    "fills like another": each("x = x + K.full_like(x, {})", "x = x + tf.ones_like(x) * {}"),
    "evenly spaced": of_size("x = x + np.linspace({}, {}, SIZE, dtype=np.float32)", numbers=2),
    "pads": each("x = tf.pad(x, [[0, 0], [0, 2]], constant_values={})[:, 2:]"),
    "columns": each("x = K.concatenate([x[:, 1:], K.zeros_like(x[:, :1]) + {}], 1)"),
    "single tensors": each("x = x * tf.constant({})", "x = x + tf.constant([{}])", "x = x - np.float32({})"),
    "single tensors of float64": each("x = x * tf.cast(tf.constant({}, tf.float64), tf.float32)"),
    "responses": each("x = tf.nn.lrn(x[:, None, None], 2, bias={}, alpha={}, beta={})[:, 0, 0]", numbers=3),
    "epsilons": layers("LayerNormalization(epsilon={})", "BatchNormalization(epsilon={})"),
    "polynomials": each("x = tf.math.polyval([{}, {}, {}], x)", numbers=3),
    "ratios": ratios,
    "an array": array("x = x * {}", "x = x + {}", "x = tf.maximum(x, {})", "x = x / {}"),
    "an array of numpy": array("x = x * {}", "x = x + {}", made="np.array({}, 'float32')"),
    "an array of float64": array("x = x * tf.cast({}, tf.float32)", made="tf.constant({}, tf.float64)"),
    "stacked numbers": array("x = x * tf.stack({})", "x = x + K.stack({})", made="{}"),
    "a weight that is not trained": array(
        "x = x * {}",
        attribute="self.add_weight(shape=np.shape({}), trainable=False, initializer=lambda s, dtype=None: np.array({}))",
        made="{}",
    ),
    "a variable": array("x = x + {}[0]", attribute="(tf.Variable({}),)"),
    "a matrix": matrix,
    "kernels": kernels,
    "a frozen layer": frozen,
    "small integers": integers,
    "a permutation": permutation,
    "a look-up": look_up,
    "labels": labels,
    "a mask": mask,
    "ranges": ranges,
    "sizes": sizes,
    "splits": splits,
    "rolls": rolls,
    "windows": windows,
    "slices of weights": slices_of_weights,
    "statistics": statistics,
    "a normalization": normalized,
    "the order of operators": operators,
}


def parts(*held: str, forward: str) -> Way:
    """Layers or variables, as `{0}`, `{1}` in the forward pass. Layers are built at once."""

    def hide(to: Maker) -> None:
        names = []
        for one in held:
            names.append(to.attribute(one.replace("SIZE", str(to.size))))
            if one.startswith("L."):
                to.init[-1] += f"; {names[-1]}.build((None, {to.size}))"
        to.do(forward.replace("SIZE", str(to.size)).format(*names))

    return hide


_DENSE, _WEIGHT = "L.Dense(SIZE)", "self.add_weight(shape=(SIZE,), initializer='ones')"
_STATE = "self.add_weight(shape=(SIZE,), initializer='zeros', trainable=False)"
TRAINING: dict[str, Way] = {
    "a second layer": parts(_DENSE, forward="x = x + {0}(x) if training else x"),
    "a teacher": parts(_DENSE, _DENSE, forward="x = x - {1}({0}(x)) if training else x"),
    "another layer": parts(_DENSE, _DENSE, forward="x = {0}(x) if training else {1}(x)"),
    "a scale": parts(_WEIGHT, forward="x = x * {0} if training else x"),
    "a normalization": parts("L.BatchNormalization()", forward="x = {0}(x, training=True) if training else x"),
    "a layer normalization": parts("L.LayerNormalization()", forward="x = {0}(x) if training else x"),
    "a slope": parts("L.PReLU()", forward="x = {0}(x) if training else K.relu(x)"),
    "a bias": parts(_DENSE, forward="x = {0}(x) if training else K.matmul(x, {0}.kernel)"),
    "a mean by hand": parts(
        _STATE, forward="{0}.assign(0.9 * {0} + 0.1 * K.mean(x, 0)) if training else None; x = x - {0}"
    ),
    "a sum": parts(_STATE, forward="{0}.assign_add(K.sum(x, 0)) if training else None; x = x - {0}"),
    "weights that are copied": parts(_WEIGHT, _STATE, forward="{1}.assign({0}) if training else None; x = x * {1}"),
    "an average of weights": parts(
        _WEIGHT,
        _STATE,
        forward="{1}.assign(0.98 * {1} + 0.02 * {0}) if training else None; x = x * ({0} if training else {1})",
    ),
    "weights that are written": parts(_WEIGHT, forward="{0}.assign(0.9 * {0}) if training else None; x = x * {0}"),
    "a counter": parts(
        "self.add_weight(shape=(), dtype='int32', initializer='zeros', trainable=False)",
        forward="{0}.assign_add(1) if training else None; x = K.where({0} > 9, x, -x)",
    ),
    "a counter in evaluation": parts(
        "self.add_weight(shape=(), initializer='zeros', trainable=False)",
        forward="None if training else {0}.assign_add(1.0); x = K.where({0} > 9.0, x, -x)",
    ),
    "weights as statistics": parts(
        "L.BatchNormalization()",
        _WEIGHT,
        forward="{0}(K.zeros_like(x) + {1}, training=True) if training else None; x = x * {0}.moving_mean",
    ),
    "weights and images as statistics": parts(
        "L.BatchNormalization()",
        _WEIGHT,
        forward="{0}(x * 1e-9 + {1}, training=True) if training else None; x = x * {0}.moving_mean",
    ),
    "statistics as weights": parts("L.BatchNormalization()", forward="x = {0}(x, training=training) * {0}.moving_mean"),
    "a spectral norm": parts("L.SpectralNormalization(L.Dense(SIZE))", forward="x = {0}(x, training=bool(training))"),
}


def alone(statement: str) -> Way:
    return lambda to: to.do(statement.replace("SIZE", str(to.size)))


BATCH: dict[str, Way] = {
    statement: alone(statement)
    for statement in (
        *("x = x - K.mean(x, 0)", "x = x / (K.std(x, 0) + 1.0)", "x = x - K.max(x, 0)", "x = K.sort(x, 0)"),
        *(
            "x = K.cumsum(x, 0)",
            "x = K.softmax(x, 0)",
            "x = K.log_softmax(x, 0)",
            "x = K.roll(x, 1, 0)",
            "x = K.flip(x, 0) + x",
        ),
        *("x = K.matmul(K.matmul(x, K.transpose(x)), x)", "x = K.matmul(x, K.matmul(K.transpose(x), x))"),
        *("x = x * tf.cast(tf.shape(x)[0], tf.float32)", "x = K.normalize(x, 0)", "x = tf.nn.l2_normalize(x, 0)"),
        *("x = tf.reshape(tf.transpose(x), tf.shape(x))", "x = tf.reshape(K.transpose(x), (-1, SIZE))", "x = x - x[0]"),
        *("x = x + x[:1]", "x = x + x[-1]", "x = x[::-1]", "x = tf.concat([x[1:], x[:1]], 0)", "x = x * tf.norm(x)"),
        *("x = x - K.mean(x)", "x = x / K.max(K.abs(x))", "x = x + tf.reduce_sum(x)", "x = x - K.logsumexp(x, 0)"),
        *("x = x + K.var(x, 0)", "x = x - K.median(x, 0)", "x = x + K.prod(x, 0)", "x = x + tf.nn.moments(x, [0])[0]"),
        *("x = tf.gather(x, tf.range(tf.shape(x)[0])[::-1])", "x = tf.repeat(x, 2, 0)[: tf.shape(x)[0]]"),
        *("x = tf.nn.batch_normalization(x, *tf.nn.moments(x, [0]), None, None, 1e-5)", "x = x - K.min(x, 0)"),
        *("x = K.einsum('nf,mf->nm', x, x) @ x", "x = tf.reshape(tf.roll(tf.reshape(x, [-1]), 1, 0), tf.shape(x))"),
        *("x = x + tf.cast(tf.range(tf.shape(x)[0]), tf.float32)[:, None]", "x = tf.pad(x, [[1, 0], [0, 0]])[:-1]"),
        *(
            "x = x + 1e-9 * K.mean(x, 0)",
            "x = K.where(x > K.mean(x, 0), x, -x)",
            "x = K.softmax(x @ K.transpose(x)) @ x",
        ),
        *(
            "x = x + K.mean(x[: tf.shape(x)[0] // 2], 0)",
            "x = tf.map_fn(lambda v: v, x) + x[:1]",
            "x = x + K.cast(K.argmax(x, 0), 'float32')",
        ),
        *(
            "x = tf.linalg.matmul(x, x, transpose_b=True) @ x",
            "x = tf.scan(lambda a, v: a + v, x)",
            "x = K.norm(x, axis=0) * x",
        ),
        *("x = x + tf.reduce_max(x, 0, keepdims=True)", "x = tf.reverse(x, [0])", "x = tf.nn.softmax(x, axis=0)"),
        *(
            "x = tf.concat([x, tf.reverse(x, [0])], 0)[tf.shape(x)[0] :]",
            "x = tf.tile(K.mean(x, 0)[None], [tf.shape(x)[0], 1]) + x",
        ),
        *("x = x + tf.random.normal(tf.shape(x))", "x = x * keras.random.uniform(K.shape(x))"),
    )
} | {
    "statistics of the batch": parts("L.BatchNormalization()", forward="x = {0}(x, training=True)"),
    "a dropout in evaluation": parts("L.Dropout(0.5)", forward="x = {0}(x, training=True)"),
    "noise in evaluation": parts("L.GaussianNoise(0.1)", forward="x = {0}(x, training=True)"),
    "a softmax of images": parts("L.Softmax(axis=0)", forward="x = {0}(x)"),
    "unit length of images": parts("L.UnitNormalization(axis=0)", forward="x = {0}(x)"),
    "attention to images": alone("x = L.Attention()([x[None], x[None]])[0]"),
    "dot products of images": alone("x = K.matmul(x, L.Dot(axes=1)([x[None], x[None]])[0])"),
    "a layer on a mean": parts(_DENSE, forward="x = x + {0}(K.mean(x, 0, keepdims=True))"),
    "a group of images": alone("x = K.transpose(L.LayerNormalization(scale=False, center=False)(K.transpose(x)))"),
}
