"""The language in PyTorch's operators: equal to the interpreter, to PyTorch's own layers, and from run to run."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import safetensors.numpy  # noqa: E402
from lowered_cases import CASES, drawn  # noqa: E402
from lowered_lenet import ADAM, SGD, initial, lenet, pixels  # noqa: E402
from torch.nn import functional  # noqa: E402

from harness.backends.torch.lowered import LOWERED, Program  # noqa: E402
from harness.backends.torch.passes import CHANNELS_LAST  # noqa: E402
from harness.backends.torch.trainee import load, reader  # noqa: E402
from harness.jobs.trainee import Task  # noqa: E402
from harness.language import interpreter  # noqa: E402
from harness.language.builder import Builder  # noqa: E402
from harness.language.operators import OPERATORS  # noqa: E402
from harness.language.text import model_text  # noqa: E402
from harness.records.graph import OutputKind, Tensor, TensorKind  # noqa: E402

pytestmark = pytest.mark.frameworks


def tensors(arrays):
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}


def apart(found, expected):
    if found.shape != expected.shape:
        return np.inf
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    difference = np.abs(np.where(same, 0, found.astype(float) - expected.astype(float)))
    return difference.max(initial=0) / max(1.0, np.abs(expected, where=np.isfinite(expected), out=None).max(initial=0))


def test_each_operator_of_the_language_is_lowered_and_tried():
    assert set(LOWERED) == set(OPERATORS) == {case.operator for case in CASES}


@pytest.mark.parametrize("ours", [{}, CHANNELS_LAST], ids=["plain", "channels last"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_lowered_equals_the_interpreter(case, ours):
    graph, (images, *others) = case.graph(), case.arrays()
    weights = {f"t{k}": array for k, array in enumerate(others, 1)}
    expected = interpreter.run(graph, weights, images, drawn(graph))
    after = tensors(weights)
    program = Program.of(graph, torch.float64, ours)
    found = program.output_of(after, torch.from_numpy(images), tensors(drawn(graph))).numpy()
    assert found.dtype == expected.output.dtype
    assert apart(found, expected.output) < 1e-10
    for name, array in weights.items():
        assert apart(after[name].numpy(), expected.updates.get(name, array)) < 1e-10


PLAIN = {"epsilon": 1e-5, "momentum": 0.9, "unbiased": True, "training": True}


def statistics(*names):
    return [Tensor(name, TensorKind.BUFFER, False, (4,), "F32") for name in names]


def test_statistics_equal_those_of_pytorchs_own_layer():
    build = Builder((4, 5), statistics("t0", "t1", "t2", "t3"))
    graph = build.finish(
        build.emit("BatchNormalization", build.images, *list(build.values.values())[1:], **PLAIN)
    ).graph
    layer, images = torch.nn.BatchNorm1d(4), torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    after = {"t0": torch.ones(4), "t1": torch.zeros(4), "t2": torch.zeros(4), "t3": torch.ones(4)}
    for _ in range(3):
        output = Program.of(graph, torch.float32).output_of(after, images)
        assert torch.equal(output, layer(images))
        images = images + 1
    assert torch.equal(after["t2"], layer.running_mean)
    assert torch.equal(after["t3"], layer.running_var)


def test_a_layer_used_twice_updates_twice_and_others_read_what_was_before():
    build = Builder((4,), statistics("t0", "t1", "t2", "t3"))
    scale, shift, mean, var = (build.values[f"t{k}"] for k in range(4))
    once = build.emit("BatchNormalization", build.images, scale, shift, mean, var, **PLAIN)
    twice = build.emit("BatchNormalization", build.emit("Exp", once), scale, shift, mean, var, **PLAIN)
    graph = build.finish(build.emit("Add", twice, build.emit("Mul", mean, var))).graph
    chance = np.random.default_rng(0)
    images, weights = chance.random((5, 4)), {f"t{k}": chance.random(4) for k in range(4)}
    expected, after = interpreter.run(graph, weights, images), tensors(weights)
    found = Program.of(graph, torch.float64).output_of(after, torch.from_numpy(images))
    assert apart(found.numpy(), expected.output) < 1e-12
    assert set(expected.updates) == {"t2", "t3"}
    assert all(apart(after[name].numpy(), array) < 1e-12 for name, array in expected.updates.items())
    assert not np.allclose(after["t2"].numpy(), weights["t2"])


def test_values_of_nodes_are_kept_by_name():
    graph = lenet().evaluation
    names = [node.name for node in graph.nodes if node.operator in ("MaxPool", "Gemm")]
    weights, images = initial(lenet()), np.random.default_rng(0).random((4, 1, 28, 28), dtype=np.float32)
    found = reader(model_text(lenet()), safetensors.numpy.save(weights), names)(images)
    expected = interpreter.run(graph, weights, images, keep=names).kept
    assert list(found) == names
    for name, array in found.items():
        assert array.dtype == np.float32
        assert apart(array, expected[name]) < 1e-5


def trainee(model, seed=0, optimizer=ADAM):
    return load(Task(model_text(model), safetensors.numpy.save(initial(model)), OutputKind.LOGITS, optimizer, seed))


class Plain(torch.nn.Module):
    """LeNet-5 as anyone would write it."""

    def __init__(self, weights, rate):
        super().__init__()
        self.weights, self.rate = torch.nn.ParameterDict(tensors(weights)), rate

    def forward(self, x):
        w = self.weights
        x = functional.max_pool2d(functional.conv2d(x, w["t0"], w["t1"], padding=2).relu(), 2)
        x = functional.max_pool2d(functional.conv2d(x, w["t2"], w["t3"]).relu(), 2).flatten(1)
        x = functional.linear(x, w["t4"], w["t5"]).relu()
        x = functional.linear(functional.dropout(x, self.rate), w["t6"], w["t7"]).relu()
        return functional.linear(x, w["t8"], w["t9"])


@pytest.mark.parametrize("chosen", [ADAM, SGD], ids=["adam", "sgd"])
def test_lenet_trains_as_a_plain_module_does(chosen):
    images, labels = pixels(256)
    ours, plain = trainee(lenet(), optimizer=chosen), Plain(initial(lenet()), 0.0)
    losses = ours.train_epoch(images, labels, np.arange(256), 32, np.ones(8))
    optimizer = {
        "adam": lambda: torch.optim.Adam(plain.parameters(), 1e-3),
        "sgd": lambda: torch.optim.SGD(plain.parameters(), 0.05, momentum=0.9),
    }[chosen.name]()
    expected = []
    for batch in torch.arange(256).split(32):
        optimizer.zero_grad()
        loss = functional.cross_entropy(
            plain(torch.from_numpy(images)[batch] / 255), torch.from_numpy(labels)[batch].long()
        )
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    assert losses == pytest.approx(expected, rel=1e-4)
    for name, array in ours.weights().items():
        assert apart(array, plain.weights[name].detach().numpy()) < 1e-4


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("ratio", [0.5, 0.3, 0.001, 0.0])
def test_dropout_drops_the_share_that_it_says_everywhere(ratio, layout):
    build = Builder((8, 20, 20), [])
    graph = build.finish(build.emit("Dropout", build.images, ratio=ratio)).graph
    torch.manual_seed(0)
    images = torch.ones(1000, 8, 20, 20).contiguous(memory_format=layout)
    kept = Program.of(graph, torch.float32).output_of({}, images)
    assert kept.is_contiguous(memory_format=layout)
    assert kept.unique().numpy() == pytest.approx([0.0, 1 / (1 - ratio)] if ratio else [1.0])
    within = 5 * (ratio * (1 - ratio) / kept.numel()) ** 0.5
    assert (kept == 0).double().mean().item() == pytest.approx(ratio, abs=within)
    each = (kept == 0).double().mean(0)  # no place is special
    assert each.numpy() == pytest.approx(ratio, abs=8 * (ratio * (1 - ratio) / 1000) ** 0.5)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_repeats_are_bit_identical_and_seeds_differ_where_numbers_are_drawn(rate):
    images, labels = pixels(128)
    states = []
    for seed in (0, 0, 1):
        one = trainee(lenet(rate), seed)
        losses = one.train_epoch(images, labels, np.arange(128), 32, np.ones(4))
        states.append((losses.tobytes(), one.state(), one.predict(images).tobytes()))
    assert states[0] == states[1]
    assert (states[0] == states[2]) is (rate == 0)


def test_state_has_every_tensor_in_its_own_type():
    extra = Tensor("t10", TensorKind.BUFFER, False, (), "I64"), Tensor("t11", TensorKind.CONSTANT, False, (2,), "F64")
    model = lenet(more=extra)
    weights = {**initial(lenet()), "t10": np.array(7), "t11": np.array([0.1, 0.2])}
    one = load(Task(model_text(model), safetensors.numpy.save(weights), OutputKind.LOGITS, ADAM, 0))
    after = safetensors.numpy.load(one.state())
    assert {name: (a.dtype, a.shape) for name, a in after.items()} == {
        n: (a.dtype, a.shape) for n, a in weights.items()
    }
    assert all(np.allclose(after[name], array, rtol=1e-7) for name, array in weights.items())


def test_gradients_of_a_tensor_that_training_does_not_read_are_zero():
    model = lenet(more=[Tensor("t10", TensorKind.PARAMETER, True, (3,), "F32")])
    weights = {**initial(lenet()), "t10": np.ones(3, np.float32)}
    one = load(Task(model_text(model), safetensors.numpy.save(weights), OutputKind.LOGITS, ADAM, 0))
    gradients = one.gradients(*pixels(4))[1]
    assert not gradients["t10"].any()
    assert gradients["t0"].any()
