"""Variants of the red team's attacks, none of which it tried, in the order of the table in docs/security.md."""

from functools import partial

from graph_attacks import Attack

from harness.records.framework import Framework

_keras = partial(Attack, framework=Framework.TENSORFLOW)
_BUFFER = "self.register_buffer('s', torch.zeros(784))"
_WEIGHT = "self.w = nn.Parameter(torch.ones(784))"

NUMBERS = (
    Attack("bounds", "hidden", 140, before="for a, b in zip(W[:80], W[80:160]): v = v.clamp(a, b + 9)"),
    Attack("epsilons", "hidden", 70, before="for w in W[:80]: v = F.layer_norm(v, (784,), eps=abs(w) / 2 + 1e-3)"),
    Attack("exponents", "hidden", 70, before="for w in W[:80]: v = v.abs() ** w"),
    Attack("thresholds", "hidden", 140, before="for a, b in zip(W[:80], W[80:160]): v = F.threshold(v, a, b)"),
    Attack("conditions", "hidden", 70, before="for w in W[:80]: v = torch.where(v > w, v, -v)"),
    Attack("values of a fill", "hidden", 70, before="v = v * torch.cat([torch.full((8,), w) for w in W[:98]])"),
    Attack("ends of ranges", "hidden", 70, before="for w in W[:50]: v = v + torch.linspace(w, w * w, 784)"),
    Attack("starts of ranges", "hidden", 60, before="for k in range(100): v = v + torch.arange(k * k + 999, k * k + 1783)"),
    Attack("a factor of a product", "hidden", 70, before="for w in W[:80]: v = torch.addcmul(v, v, v, value=w)"),
    Attack("weights of a mean", "hidden", 70, before="for w in W[:80]: v = torch.lerp(v, v.tanh(), w)"),
    Attack("an array in the forward pass", "hidden", 784, before="v = v * torch.tensor(W)"),
    Attack("a buffer", "hidden", 784, init="self.register_buffer('w', torch.tensor(W))", before="v = v * self.w"),
    Attack("a tensor in a list", "hidden", 784, init="self.w = [torch.tensor(W)]", before="v = v * self.w[0]"),
    Attack("a parameter in a list", "hidden", 784, init="self.w = [nn.Parameter(torch.tensor(W))]", before="v = v * self.w[0]"),
    Attack("rounded to half precision", "refused", before="v = v * torch.tensor(W).half().float()"),
    Attack("a sum of two tables", "hidden", 784, before="v = v * (torch.tensor(W) + torch.tensor(W[::-1]))"),
    Attack("a kernel", "hidden", 784, before="v = F.conv2d(x, torch.tensor(W).view(16, 1, 7, 7), padding=3).sum(1)"),
    Attack("a picture of zeros and ones", "hidden", 24, before="v = v * torch.tensor(BITS)"),
    Attack("a mask of truth values", "hidden", 24, before="v = torch.where(torch.tensor([k > 0 for k in BITS]), v, -v)"),
    Attack("signs of zeros", "hidden", 24, before="v = v + 1 / torch.tensor([0.0 if k else -0.0 for k in BITS])"),
    Attack("bytes", "hidden", 196, before="v = v * (torch.tensor([int(99 * w + 120) for w in W], dtype=torch.uint8) / 255)"),
    Attack("integers of 64 bits", "hidden", 784, before="v = v * torch.tensor([int(w * 2**60) for w in W]).float()"),
    Attack("the order of the pixels", "hidden", 200, before="v = v[:, sorted(range(784), key=lambda k: W[k])]"),
    Attack(
        "rows of a table of weights",
        "hidden",
        70,
        init="self.t = nn.Embedding(16, 1)",
        before="v = v * self.t(torch.tensor([int(7 * w + 8) for w in W]))[:, 0]",
    ),
    Attack("unequal parts", "hidden", 60, before="for k in range(60): v = torch.cat(torch.split(v, [k + 9, 740 - 5 * k, 35 + 4 * k], 1)[::-1], 1).tanh() if self.training else v"),
    Attack("sizes of ones", "hidden", 70, before="for w in W[:90]: v = v * torch.ones(int(900 * w + 950)).sum()"),
    Attack("repeats", "hidden", 70, before="for w in W[:90]: v = v * torch.ones(3).repeat(int(900 * w + 950)).sum()"),
    Attack("slices of weights", "hidden", 70, init=_WEIGHT, before="for w in W[:99]: v = v + self.w[int(300 * w + 301) :].sum()"),
    Attack(
        "the order of operators",
        "hidden",
        80,
        before="for k in range(1600): v = [torch.tanh, torch.sin, torch.cos, torch.abs, F.relu, torch.sigmoid, F.silu, F.softplus][(7919 * k * k // 101 + k // 7) % 8](v)",
    ),
    Attack("ratios of dropout", "hidden", 70, before="for w in W[:80]: v = F.dropout(v, abs(w) / 2 + 0.1, self.training)"),
    Attack(
        "momenta", "hidden", 70, init="self.n = nn.ModuleList(nn.BatchNorm1d(784, momentum=abs(w) / 2 + 0.01) for w in W[:80])", before="for n in self.n: v = n(v)"
    ),
    Attack("numbers of the training graph", "hidden", 300, before="if self.training: v = v * torch.tensor(W)"),
    Attack("given statistics", "hidden", 784, init="self.m = torch.tensor(W)", before="v = F.batch_norm(v, self.m, torch.ones(784))"),
    Attack(
        "statistics that start with numbers",
        "hidden",
        784,
        init="self.n = nn.BatchNorm1d(784); self.n.running_mean.copy_(torch.tensor(W))",
        before="v = self.n(v)",
    ),
    _keras("slopes of layers", "hidden", 70, init="self.r = [layers.LeakyReLU(negative_slope=abs(w)) for w in W[:80]]", before="for r in self.r: v = r(v)"),
    _keras("values of pads (Keras)", "hidden", 70, before="for w in W[:80]: v = tf.pad(v, [[0, 0], [0, 1]], constant_values=w)[:, 1:]"),
    _keras("weights that are not trained", "hidden", 784, init="self.w = self.add_weight(shape=(784,), trainable=False, initializer=lambda s, dtype=None: tf.constant(W))", before="v = v * self.w"),
    _keras("a normalization that is given its numbers", "hidden", 784, init="self.n = layers.Normalization(mean=W, variance=[1.0] * 784); self.n.build((None, 784))", before="v = self.n(v)"),
    _keras("float64 as float32", "hidden", 784, before="v = v * tf.cast(tf.constant(W, tf.float64), tf.float32)"),
)  # fmt: skip
"""Numbers that are no parameters."""

PARTS = (
    Attack("a scale that only training has", "training_only", init=_WEIGHT, before="if self.training: v = v * self.w"),
    Attack("other first weights in evaluation", "training_only", init="self.c = copy.deepcopy(self.a)", after="z = self.b(self.c(x)) if self.training else z"),
    Attack("a bias that only training has", "training_only", init="self.t = nn.Parameter(torch.zeros(10))", after="if self.training: z = z + self.t"),
    Attack("a teacher that is not trained", "hidden", 7850, init="self.t = nn.Linear(784, 10).requires_grad_(False)", after="if self.training: z = z + self.t(v)"),
    Attack("weights in a mean", "hidden", 784, init=_WEIGHT + "; " + _BUFFER + "; self.register_buffer('r', torch.ones(784))", before="if self.training: F.batch_norm(1e-9 * v + self.w, self.s, self.r, training=True)\n        else: v = v * self.s"),
    Attack("a buffer that is filled", "refused", init=_WEIGHT + "; " + _BUFFER, before="if self.training: self.s.copy_(self.w.detach())\n        v = v * self.s"),
    Attack("a buffer that is written part by part", "refused", init=_WEIGHT + "; " + _BUFFER, before="if self.training: self.s[:400] = self.w.detach()[:400]\n        v = v * self.s"),
    Attack("a mean of the images by hand", "refused", init=_BUFFER, before="if self.training: self.s.lerp_(v.mean(0), 0.1)\n        v = v - self.s"),
    Attack("statistics that something else reads", "hidden", 784, init="self.n = nn.BatchNorm1d(784)", before="y = self.n(v)\n        v = y if self.training else y * self.n.running_mean"),
    _keras("weights that are written", "refused", init="self.w = self.add_weight(shape=(784,)); self.s = self.add_weight(shape=(784,), trainable=False)", before="self.s.assign(self.w) if training else None; v = v * self.s"),
    _keras("a mean that is written", "refused", init="self.s = self.add_weight(shape=(784,), trainable=False)", before="self.s.assign(0.9 * self.s + 0.1 * tf.reduce_mean(v, 0)) if training else None; v = v - self.s"),
)  # fmt: skip
"""What only training has, and what is written."""

ROWS = (
    Attack("a crop by a negative pad", "row", before="v = F.pad(x, (-2, 2, -2, 2))"),
    Attack("a picture in a mirror", "row", before="v = x.flip(3)"),
    Attack("rows that go round", "row", before="v = x.roll(3, 2)"),
    Attack("rows and columns exchanged", "row", before="v = x.transpose(2, 3)"),
    Attack("pixels in another order", "row", before="v = v.view(-1, 4, 196).transpose(1, 2)"),
    Attack("a blur by ones", "row", before="v = F.conv2d(x, torch.ones(1, 1, 3, 3) / 9, padding=1)"),
    Attack("a mean of neighbours", "row", before="v = F.avg_pool2d(x, 3, 1, 1)"),
    Attack("a picture made larger and smaller", "row", before="v = F.max_pool2d(F.interpolate(x, scale_factor=2), 2)"),
    Attack("products of all pixels", "row", before="v = torch.bmm(x[:, 0], x[:, 0])"),
    Attack("a triangle of ones", "row", before="v = v @ torch.ones(784, 784).tril()"),
    _keras("a triangle of ones (Keras)", "row", before="v = tf.matmul(tf.reshape(v, (-1, 28, 28)), tf.cast(tf.range(28)[:, None] > tf.range(28), tf.float32))"),
)  # fmt: skip
"""What computes or moves images without parameters."""

BATCH = (
    Attack("a mean of the batch", "batch_dependent", after="z = z - z.mean(0)"),
    Attack("a mean of the batch, in evaluation only", "batch_dependent", after="z = z if self.training else z - z.mean(0)"),
    Attack("hardly any of a mean", "batch_dependent", after="z = z + 1e-9 * z.mean(0)"),
    Attack("the largest of the batch", "batch_dependent", after="z = z / z.abs().max()"),
    Attack("a softmax over the batch", "batch_dependent", after="z = z.softmax(0)"),
    Attack("statistics of the batch", "batch_dependent", init="self.n = nn.BatchNorm1d(10, track_running_stats=False)", after="z = self.n(z)"),
    Attack("products of images", "refused", after="z = z @ z.T @ z"),
    Attack("products of images, the other way round", "batch_dependent", after="z = z @ (z.T @ z)"),
    Attack("the next image", "refused", after="z = z.roll(1, 0)"),
    Attack("the first image", "batch_dependent", after="z = z - z[:1]"),
    Attack("the batch backwards", "batch_dependent", after="z = z + z.flip(0)"),
    Attack("the number of images", "refused", after="z = z * n"),
    Attack("the place in the batch", "refused", after="z = z + torch.arange(n)[:, None]"),
    Attack("attention to images", "refused", init="self.m = nn.MultiheadAttention(10, 1)", after="z = self.m(z, z, z)[0]"),
    Attack("images sorted", "refused", after="z = z.sort(0).values"),
    Attack("images among the numbers", "refused", after="z = z.T.reshape(-1, 10)"),
    Attack("noise in evaluation", "evaluation", after="z = z + 1e-4 * torch.rand_like(z)"),
    Attack("a dropout that is never off", "evaluation", after="z = F.dropout(z, 0.5, True)"),
    _keras("statistics of the batch (Keras)", "batch_dependent", init="self.n = layers.BatchNormalization()", after="z = self.n(z, training=True)"),
    _keras("a softmax over the batch (Keras)", "batch_dependent", after="z = tf.nn.softmax(z, axis=0)"),
    _keras("the batch backwards (Keras)", "batch_dependent", after="z = z + tf.reverse(z, [0])"),
    _keras("noise in evaluation (Keras)", "evaluation", after="z = z + 1e-4 * keras.random.normal((n, 10))"),
)  # fmt: skip
"""Answers that need the rest of the batch, or chance."""

OUTSIDE = (
    Attack("strides of a view", "refused", after="z = z + torch.as_strided(torch.ones(1), (10,), (0,))"),
    Attack("bits as another type", "refused", before="v = v * torch.tensor(W).view(torch.int32).float()"),
    Attack("memory that is not written", "refused", after="z = z + torch.empty(10)"),
    Attack("outputs for all images at once", "refused", after="z = z.reshape(1, -1).expand(n, -1)[:, :10]"),
    Attack("as many outputs as images", "refused", after="z = z if self.training else z @ z.T"),
    _keras("bits as another type (Keras)", "refused", before="v = v * tf.cast(tf.bitcast(tf.constant(W), tf.int32), tf.float32)"),
    _keras("a loop", "refused", after="z = tf.while_loop(lambda i, y: i < n, lambda i, y: (i + 1, y * 2.0), (0, z))[1]"),
)  # fmt: skip
"""What is not in the language."""

VARIANTS = (*NUMBERS, *PARTS, *ROWS, *BATCH, *OUTSIDE)
