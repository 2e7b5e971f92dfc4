"""Random PyTorch modules: honest layers, and among them what a maker hides."""

from made_modules import Made, Maker, choose
from torch_hidings import NUMBERS
from torch_parts import BATCH, TRAINING

ACTIVATIONS = (
    "torch.relu(x)",
    "torch.tanh(x)",
    "torch.sigmoid(x)",
    "F.gelu(x)",
    "F.silu(x)",
    "F.elu(x)",
    "F.leaky_relu(x)",
    "F.softplus(x)",
    "F.relu6(x)",
    "F.selu(x)",
    "F.mish(x)",
    "F.hardswish(x)",
    "F.hardsigmoid(x)",
    "F.softsign(x)",
    "F.gelu(x, approximate='tanh')",
    "1.7159 * torch.tanh(2 / 3 * x)",
    "F.celu(x)",
    "F.logsigmoid(x)",
    "torch.sin(x)",
    "x.square()",
    "torch.relu(x).square()",
    "x * torch.sigmoid(1.702 * x)",
    "torch.cos(x)",
    "torch.exp(-x * x)",
)


def activation(to):
    to.do(f"x = {to.random.choice(ACTIVATIONS)}")


def prelu(to):
    to.do(f"x = {to.attribute(f'nn.PReLU({to.random.choice([1, to.shape[0]])})')}(x)")


def dropout(to):
    to.do(f"x = {to.attribute('nn.Dropout(' + to.random.choice(['', '0.2', '0.25']) + ')')}(x)")


def convolution(to):
    channels, side, _ = to.shape
    kernel, out, padding = to.random.choice([1, 2, 3, 5]), to.random.randint(1, 5), to.random.choice([0, 1, 2])
    stride = to.random.choice([1, 1, 2])
    after = (side + 2 * padding - kernel) // stride + 1
    if after < 3 or padding >= kernel:
        return
    groups = to.random.choice([1, channels])
    mode = to.random.choice(["zeros", "zeros", "zeros", "reflect", "replicate", "circular"]) if padding else "zeros"
    others = f"groups={groups}, bias={to.random.random() < 0.7}, padding_mode={mode!r}"
    layer = to.attribute(f"nn.Conv2d({channels}, {out * groups}, {kernel}, {stride}, {padding}, {others})")
    to.do(f"x = {layer}(x)")
    to.shape = (out * groups, after, after)


def transposed(to):
    channels, side, _ = to.shape
    if side < 10 and channels < 6:
        to.do(f"x = {to.attribute(f'nn.ConvTranspose2d({channels}, 2, 2, stride=2)')}(x)")
        to.shape = (2, 2 * side, 2 * side)


def pooling(to):
    channels, side, _ = to.shape
    if side >= 6:
        to.do(f"x = {to.random.choice(['F.max_pool2d(x, 2)', 'F.avg_pool2d(x, 2)'])}")
        to.shape = (channels, side // 2, side // 2)


def adaptive(to):
    to.do(f"x = F.adaptive_{to.random.choice(['avg', 'max'])}_pool2d(x, 3)")
    to.shape = (to.shape[0], 3, 3)


def normalization(to):
    channels = to.shape[0]
    affine = to.random.choice(["", ", affine=False"])
    layer = to.random.choice(
        [
            f"nn.BatchNorm2d({channels}{affine})",
            f"nn.BatchNorm2d({channels}, momentum=0.01, eps=1e-3)",
            f"nn.GroupNorm(1, {channels}{affine})",
            f"nn.InstanceNorm2d({channels})",
            f"nn.InstanceNorm2d({channels}, affine=True)",
            f"nn.LayerNorm({list(to.shape)})",
            "nn.LocalResponseNorm(3)",
            "nn.Dropout2d(0.1)",
        ]
    )
    to.do(f"x = {to.attribute(layer)}(x)")


def residual(to):
    channels = to.shape[0]
    layer = to.attribute(f"nn.Conv2d({channels}, {channels}, 3, padding=1)")
    to.do(f"x = x + {to.random.choice(['torch.relu({})', 'torch.tanh({})', '{}']).format(f'{layer}(x)')}")


def branches(to):
    channels, *sides = to.shape
    one, other = (to.attribute(f"nn.Conv2d({channels}, 2, {k}, padding={k // 2})") for k in (1, 3))
    to.do(f"x = torch.cat([{one}(x), {other}(x)], 1)")
    to.shape = (4, *sides)


def squeeze(to):
    """Attention to channels."""
    channels = to.shape[0]
    layer = to.attribute(f"nn.Linear({channels}, {channels})")
    to.do(f"x = x * torch.sigmoid({layer}(x.mean((2, 3))))[:, :, None, None]")


def standardized(to):
    to.do("x = (x - x.mean((1, 2, 3), keepdim=True)) / (x.std((1, 2, 3), keepdim=True) + 1e-5)")


def mirrored(to):
    to.do("x = (x + x.flip(3)) / 2")


def upsampled(to):
    channels, side, _ = to.shape
    if side < 8:
        mode = to.random.choice(["'nearest'", "'bilinear', align_corners=False"])
        to.do(f"x = F.interpolate(x, scale_factor=2, mode={mode})")
        to.shape = (channels, 2 * side, 2 * side)


def padded(to):
    channels, side, _ = to.shape
    if side < 12:
        to.do("x = F.pad(x, (1, 1, 1, 1))")
        to.shape = (channels, side + 2, side + 2)


def mixed_in_training(to):
    """Images are mixed while training, which is what a batch normalization does, too."""
    to.do("x = x - x.mean(0, keepdim=True) if self.training else x")


OF_IMAGES = (
    *[activation, convolution, convolution, pooling, normalization, normalization, residual, branches, squeeze],
    *[standardized, mirrored, dropout, prelu, transposed, upsampled, padded, adaptive, mixed_in_training],
)


def dense(to, least=2, units=0):
    units = units or to.random.randint(least, 24)
    weights = f"nn.Linear({to.size}, {units}, bias={to.random.random() < 0.8})"
    if to.random.random() < 0.1:
        weights = f"nn.utils.parametrizations.weight_norm({weights})"
    to.do(f"x = {to.attribute(weights)}(x)")
    to.shape = (units,)


def normalized_rows(to):
    layer = to.random.choice([f"nn.BatchNorm1d({to.size})", f"nn.LayerNorm({to.size})", f"nn.GroupNorm(1, {to.size})"])
    to.do(f"x = {to.attribute(layer)}(x)")


def wide(to):
    """A residual block of fully connected layers."""
    inner = to.random.randint(2, 9)
    layers = f"nn.Sequential(nn.Linear({to.size}, {inner}), nn.ReLU(), nn.Linear({inner}, {to.size}))"
    to.do(f"x = x + {to.attribute(layers)}(x)")


def gated(to):
    layer = to.attribute(f"nn.Linear({to.size}, {2 * to.size})")
    to.do(f"x = F.glu({layer}(x), 1)")


def maxout(to):
    layer = to.attribute(f"nn.Linear({to.size}, {3 * to.size})")
    to.do(f"x = {layer}(x).view(-1, {to.size}, 3).amax(2)")


def scaled(to):
    scale, shift = (to.attribute(f"nn.Parameter(torch.{make}({to.size}))") for make in ("ones", "zeros"))
    to.do(f"x = x * {scale} + {shift}")


def attentive(to):
    to.do(f"x = x * torch.softmax({to.attribute(f'nn.Linear({to.size}, {to.size})')}(x), -1)")


def unit_length(to):
    to.do("x = F.normalize(x, dim=1)")


def sequence(to):
    """A recurrent layer or attention on a few steps."""
    steps = next((s for s in (4, 3, 2, 5, 7) if to.size % s == 0 and to.size // s <= 40), 0)
    if not steps:
        return
    inputs, hidden = to.size // steps, to.random.choice([2, 4, 6])
    kind = to.random.choice(["RNN", "GRU", "LSTM", "attention", "convolution"])
    if kind == "attention":
        layer, to.shape = to.attribute(f"nn.MultiheadAttention({inputs}, 1, batch_first=True)"), (inputs,)
        to.do(f"s = x.view(-1, {steps}, {inputs}); x = (s + {layer}(s, s, s)[0]).mean(1)")
    elif kind == "convolution":
        layer, to.shape = to.attribute(f"nn.Conv1d({steps}, {hidden}, 3, padding=1)"), (hidden,)
        to.do(f"x = {layer}(x.view(-1, {steps}, {inputs})).amax(2)")
    else:
        layer = to.attribute(f"nn.{kind}({inputs}, {hidden}, batch_first=True)")
        to.do(f"x = {layer}(x.view(-1, {steps}, {inputs}))[0][:, -1]")
        to.shape = (hidden,)


def same_in_another_order(to):
    """The batch goes round and comes back as it was."""
    ways = [
        "x = x.t().contiguous().t()",
        "x = x.t().softmax(0).t()",
        "x = torch.cat([x, x])[: x.size(0)]",
        "x = x.repeat(2, 1)[: x.size(0)]",
        "x = x.unsqueeze(0).tanh().squeeze(0)",
        f"x = x.reshape(-1, 1, {to.size}).flatten(1)",
        "x = torch.stack([x, -x], 1).amax(1)",
        "x = torch.zeros_like(x) + x",
        "x = x + x.new_zeros(x.size(0), 1)",
        "x = torch.where(x > 0, x, x.exp())",
    ]
    to.do(to.random.choice(ways))


OF_ROWS = (
    *[activation, activation, dense, dense, normalized_rows, wide, gated, maxout, scaled, attentive, unit_length],
    *[dropout, prelu, sequence, same_in_another_order, mixed_in_training],
)
HEAD = "import functools\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"


def module(seed: int) -> Made:
    """The module of a seed."""
    kind, ways = choose(seed, {"honest": [], "numbers": NUMBERS, "training": TRAINING, "batch": BATCH})
    to = Maker(seed, (1, 28, 28))
    first = to.random.choice([4, 4, 7])
    to.do(f"x = F.{to.random.choice(['avg', 'max'])}_pool2d(x, {first})")
    to.shape = (1, 28 // first, 28 // first)
    for _ in range(to.random.randint(0, 5)):
        to.random.choice(OF_IMAGES)(to)
    if to.shape[0] * to.shape[1] > 100:
        adaptive(to)
    to.do("x = x.flatten(1)")
    to.shape = (to.shape[0] * to.shape[1] * to.shape[2],)
    dense(to)
    for _ in range(to.random.randint(0, 4)):
        to.random.choice(OF_ROWS)(to)
    if to.size < 4:
        dense(to, least=4)
    bits = hide(to, kind, ways)
    for _ in range(to.random.randint(0, 2)):
        to.random.choice(OF_ROWS)(to)
    dense(to, units=10)
    return Made(seed, kind, ways, code_of(to), bits)


def hide(to: Maker, kind: str, ways: tuple[str, ...]) -> float:
    table = {"honest": {}, "numbers": NUMBERS, "training": TRAINING, "batch": BATCH}[kind]
    bits = 0.0
    for way in ways:
        if kind == "numbers":
            to.when = to.random.choice(["", "", "", "self.training", "not self.training"])
        elif kind == "batch":
            to.when = to.random.choice(["", "not self.training"])
        bits += table[way](to) or 0.0
        to.when = ""
    return bits


def code_of(to: Maker) -> str:
    init = "\n        ".join(["super().__init__()", *to.init])
    forward = "\n        ".join([*to.forward, "return x"])
    return (
        f"{HEAD}class Net(nn.Module):\n    def __init__(self):\n        {init}\n\n    def forward(self, x):\n"
        f"        {forward}\n\n\ndef build_model():\n    return Net()\n"
    )
