"""PyTorch's layers: each is exported, translated, counted and trained, and computes what PyTorch computes."""

from functools import cache

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import safetensors.numpy  # noqa: E402
from torch_models import MODELS as FURTHER  # noqa: E402

from harness.artifact.audit import audit  # noqa: E402
from harness.backends.source import Sources  # noqa: E402
from harness.backends.torch import backend  # noqa: E402
from harness.child.validate import validate  # noqa: E402
from harness.jobs.train import Optimizer  # noqa: E402
from harness.jobs.trainee import Task  # noqa: E402
from harness.jobs.validate import ValidateRequest  # noqa: E402
from harness.language.batch import mixing  # noqa: E402
from harness.language.interpreter import run  # noqa: E402
from harness.model.table import layer_table  # noqa: E402
from harness.records.errors import HarnessError  # noqa: E402
from harness.records.framework import Framework  # noqa: E402
from harness.records.graph import OutputKind  # noqa: E402
from harness.records.submission import SourceFile  # noqa: E402

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]

HEAD = "import torch\nfrom torch import nn\nimport torch.nn.functional as F\n"
ADAM = Optimizer("adam", 1e-3, 0.9, 0.9, 0.999, 1e-8)


def net(forward, layers="pass", outputs=784):
    """A model with these layers, this forward pass, and a last layer on its `outputs` numbers."""
    return (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        {layers}\n        self.out = nn.Linear({outputs}, 10)\n"
        f"    def forward(self, x):\n        {forward}\n        return self.out(x.flatten(1))\n"
        "def build_model(): return Net()"
    )


def stack(layers):
    return f"def build_model(): return nn.Sequential({layers})"


MODELS = {
    "a layer registered twice": net(
        "x = self.b(torch.relu(self.a(x)))", "self.a = self.b = nn.Conv2d(1, 1, 3, padding=1)"
    ),
    "local response normalization": stack(
        "nn.Conv2d(1, 4, 5), nn.LocalResponseNorm(3), nn.Flatten(), nn.Linear(2304, 10)"
    ),
    "instance normalization": stack("nn.Conv2d(1, 4, 5), nn.InstanceNorm2d(4), nn.Flatten(), nn.Linear(2304, 10)"),
    "group and layer normalization": stack(
        "nn.Conv2d(1, 4, 5), nn.GroupNorm(2, 4), nn.LayerNorm([4, 24, 24]), nn.Flatten(), nn.Linear(2304, 10)"
    ),
    "batch normalization of rows": stack("nn.Flatten(), nn.Linear(784, 20), nn.BatchNorm1d(20), nn.Linear(20, 10)"),
    "depthwise and dilated": stack(
        "nn.Conv2d(1, 4, 3), nn.Conv2d(4, 8, 3, groups=4, dilation=2), nn.Conv2d(8, 4, 1), nn.AdaptiveMaxPool2d(3), nn.Flatten(), nn.Linear(36, 10)"
    ),
    "residual": net("x = x + torch.relu(self.c(x))", "self.c = nn.Conv2d(1, 1, 3, padding=1)"),
    "concatenation": net(
        "x = torch.cat([self.c(x), self.d(x)], 1)",
        "self.c, self.d = nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(1, 2, 5, padding=2)",
        784 * 4,
    ),
    "global average": net("x = self.c(x).mean([2, 3])", "self.c = nn.Conv2d(1, 8, 3)", 8),
    "global maximum": net("x = F.adaptive_max_pool2d(self.c(x), 1)", "self.c = nn.Conv2d(1, 8, 3)", 8),
    "attention": net(
        "x = x.squeeze(1); x = self.a(x, x, x)[0]", "self.a = nn.MultiheadAttention(28, 4, batch_first=True)"
    ),
    "attention, images second": net(
        "x = x.squeeze(1).permute(1, 0, 2); x = self.a(x, x, x, need_weights=False)[0].permute(1, 0, 2)",
        "self.a = nn.MultiheadAttention(28, 4)",
    ),
    "transformer encoder": net(
        "x = self.a(x.squeeze(1))",
        "self.a = nn.TransformerEncoder(nn.TransformerEncoderLayer(28, 4, 32, batch_first=True, dropout=0.0), 2)",
    ),
    "scaled dot product": net("x = x.squeeze(1); x = F.scaled_dot_product_attention(x, x, x)"),
    "LSTM": net("x = self.a(x.squeeze(1))[0][:, -1]", "self.a = nn.LSTM(28, 16, batch_first=True)", 16),
    "LSTM both ways, two layers": net(
        "x = self.a(x.squeeze(1))[0][:, -1]",
        "self.a = nn.LSTM(28, 16, 2, batch_first=True, bidirectional=True, dropout=0.0)",
        32,
    ),
    "LSTM last state": net("x = self.a(x.squeeze(1))[1][0][-1]", "self.a = nn.LSTM(28, 16, batch_first=True)", 16),
    "GRU": net("x = self.a(x.squeeze(1))[1][-1]", "self.a = nn.GRU(28, 16, batch_first=True)", 16),
    "GRU with a first state": net(
        "x = x.reshape(-1, 28, 28); x = self.a(x, torch.zeros(1, x.size(0), 16))[0][:, -1, :]",
        "self.a = nn.GRU(28, 16, batch_first=True)",
        16,
    ),
    "RNN": net("x = self.a(x.squeeze(1).permute(1, 0, 2))[0][-1]", "self.a = nn.RNN(28, 16, nonlinearity='relu')", 16),
    "LSTM cell in a loop": net(
        "h = c = torch.zeros(len(x), 16)\n        for i in range(28): h, c = self.a(x[:, 0, i], (h, c))\n        x = h",
        "self.a = nn.LSTMCell(28, 16)",
        16,
    ),
    "spatial transformer": net(
        "t = self.l(x.flatten(1)).view(-1, 2, 3); x = F.grid_sample(x, F.affine_grid(t, x.size(), align_corners=False), align_corners=False)",
        "self.l = nn.Linear(784, 6)",
    ),
    "maxout": net("x = self.m(x.flatten(1)).view(-1, 20, 4).max(-1)[0]", "self.m = nn.Linear(784, 80)", 20),
    "PReLU and GELU": stack(
        "nn.Flatten(), nn.Linear(784, 20), nn.PReLU(20), nn.GELU(), nn.Linear(20, 16), nn.GELU(approximate='tanh'), nn.GLU(), nn.Mish(), nn.Hardtanh(), nn.Linear(8, 10)"
    ),
    "rarer activations": stack(
        "nn.Flatten(), nn.Linear(784, 20), nn.Softsign(), nn.Softplus(), nn.LogSigmoid(), nn.Tanhshrink(), nn.Softshrink(), nn.Hardshrink(), nn.RReLU(), nn.CELU(), nn.Threshold(0.1, 0.), nn.ReLU6(), nn.Linear(20, 10)"
    ),
    "dropouts": stack(
        "nn.Conv2d(1, 4, 5), nn.Dropout2d(.2), nn.FeatureAlphaDropout(.2), nn.AlphaDropout(.1), nn.Flatten(), nn.Dropout(.5), nn.Dropout1d(.1), nn.Linear(2304, 10)"
    ),
    "dropout functions": net(
        "x = F.dropout(x, 0.3, self.training); x = F.dropout2d(x, 0.1, self.training); x = F.alpha_dropout(x, .1, self.training)"
    ),
    "noise in training": net("x = x + 0.1 * torch.randn_like(x) if self.training else x"),
    "connection table": net(
        "x = torch.cat([c(x.expand(-1, 6, -1, -1)[:, t]) for c, t in zip(self.m, [[0,1,2],[1,2,3],[0,1,2,3,4,5]])], 1)",
        "self.m = nn.ModuleList([nn.Conv2d(n, 1, 5) for n in (3, 3, 6)])",
        3 * 576,
    ),
    "trainable subsampling": net(
        "x = torch.sigmoid(self.w * F.avg_pool2d(self.c(x), 2) + self.b)",
        "self.c = nn.Conv2d(1, 6, 5); self.w = nn.Parameter(torch.ones(6, 1, 1)); self.b = nn.Parameter(torch.zeros(6, 1, 1))",
        6 * 144,
    ),
    "weight normalization": net("x = self.c(x)", "self.c = nn.utils.weight_norm(nn.Conv2d(1, 2, 3))", 2 * 676),
    "upsampling": net("x = F.interpolate(x, size=(32, 32), mode='bilinear')", "pass", 1024),
    "padding": net("x = F.pad(x, (2, 2, 2, 2)); x = nn.ReflectionPad2d(1)(x)", "pass", 34 * 34),
    "distance to centers": net(
        "x = ((x.flatten(1).unsqueeze(1) - self.c) ** 2).sum(-1)", "self.c = nn.Parameter(torch.randn(12, 784))", 12
    ),
    "cosine": net(
        "x = x.flatten(1); x = F.linear(F.normalize(x), F.normalize(self.w))",
        "self.w = nn.Parameter(torch.randn(30, 784))",
        30,
    ),
    "patches": net("x = F.unfold(x, 4, stride=4).transpose(1, 2)"),
    "unpooling": net("y, i = F.max_pool2d(x, 2, return_indices=True); x = F.max_unpool2d(y, i, 2)"),
    "turned and rolled": net("x = x.roll(1, 2).flip(3).rot90(1, [2, 3])"),
    "bilinear": net("x = self.b(x.flatten(1)[:, :10], x.flatten(1)[:, 10:30])", "self.b = nn.Bilinear(10, 20, 5)", 5),
    "positions": net("x = self.e(torch.arange(28)) + x.squeeze(1)", "self.e = nn.Embedding(28, 28)"),
}


def built(code):
    return backend.build(Sources([SourceFile("model.py", (HEAD + code).encode())], "model.py", Framework.TORCH), 0)


@cache
def exported(code):
    """An artifact, and what the audit makes of it."""
    artifact = built(code)
    return artifact, audit(artifact)


def eager(code):
    torch.manual_seed(0)
    namespace = {}
    exec(HEAD + code, namespace)
    return namespace["build_model"]()


ALL = {**MODELS, **{name: net(*model) for name, model in FURTHER.items()}}
LOST = {"unpooling": "operator aten.max_unpool2d.default"}
"""Models whose operators the language does not have."""
TAKEN = {name: code for name, code in ALL.items() if name not in LOST}


@pytest.mark.parametrize("code", TAKEN.values(), ids=list(TAKEN))
def test_a_layer_is_exported_translated_counted_and_trained(code):
    (artifact, audited), theirs = exported(code), eager(code)
    draws = dict(audited.training_draws), dict(audited.evaluation_draws)
    request = ValidateRequest(Framework.TORCH, artifact.graph, audited.artifact.graph, artifact.weights[0], *draws)
    answer = validate(backend, request)
    assert answer.agrees, answer
    assert layer_table(audited.model).parameters == sum(parameter.numel() for parameter in theirs.parameters())
    trainee = backend.load(Task(audited.artifact.graph, artifact.weights[0], OutputKind.LOGITS, ADAM, 0))
    before = trainee.weights()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 1, 28, 28), dtype=np.uint8)
    losses = trainee.train_epoch(pixels, np.arange(8, dtype=np.uint8), np.arange(8), 4, np.ones(2))
    assert np.isfinite(losses).all()
    assert any((before[name] != values).any() for name, values in trainee.weights().items())


@pytest.mark.parametrize("code", TAKEN.values(), ids=list(TAKEN))
def test_a_layer_computes_what_its_module_does(code):
    (artifact, audited), theirs = exported(code), eager(code).eval()
    for count in (3, 5):
        images = torch.from_numpy(np.random.default_rng(count).random((count, 1, 28, 28), np.float32))
        weights = safetensors.numpy.load(artifact.weights[0])
        answers = run(audited.model.evaluation, weights, images.numpy()).output
        expected = theirs(images.clone()).detach().numpy()
        assert np.abs(answers - expected).max() < 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", LOST)
def test_a_layer_that_is_lost_is_not_supported_yet(name):
    with pytest.raises(HarnessError, match=LOST[name]) as caught:
        audit(built(ALL[name]))
    assert caught.value.unsupported


MIXED = {
    "comparisons": "the largest number of all images is in it",
    "batch normalization without statistics": "those of the batch are in it",
}


@pytest.mark.parametrize("name", TAKEN)
def test_images_are_computed_alone(name):
    assert (mixing(exported(TAKEN[name])[1].model.evaluation) is not None) == (name in MIXED)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        (net("x = torch.fft.fft2(x).real"), "operator aten._fft_c2c.default is not supported yet"),
        (net("x = F.one_hot(x.flatten(1).argmax(1), 784).float()"), "a decision based on the values of the image"),
    ],
)
def test_another_layer_is_refused_by_its_name(code, found):
    with pytest.raises(HarnessError, match=found):
        audit(built(code))
