"""Each operator means what ONNX says: the interpreter against onnxruntime, over attributes."""

import numpy as np
import onnx
import onnxruntime
import pytest
from language_graphs import CASES, graph_of, is_random, numbers_for

from harness.language.builder import Builder
from harness.language.interpreter import run
from harness.language.onnx_export import exported
from harness.language.operators import OPERATORS
from harness.records.errors import HarnessError
from harness.records.graph import Tensor, TensorKind

onnxruntime.set_default_logger_severity(3)


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def difference(found, expected):
    """The largest difference relative to the largest number."""
    assert found.shape == expected.shape
    if expected.dtype.kind != "f":
        assert found.dtype == expected.dtype
        return float(np.max(found != expected, initial=0))
    assert np.isfinite(expected).all()
    return float(np.max(np.abs(found - expected), initial=0) / max(np.max(np.abs(expected), initial=0), 1e-30))


@pytest.mark.parametrize("case", [case for case in CASES if not is_random(case)], ids=str)
def test_an_operator_gives_what_onnxruntime_gives(case):
    graph, tensors = graph_of(case)
    weights, _, _ = numbers_for(case, graph, tensors, 1)
    model = exported(graph, weights)
    onnx.checker.check_model(model, full_check=True)
    runtime = session(model)
    for count in (1, 3):
        _, images, _ = numbers_for(case, graph, tensors, count, seed=count)
        (found,) = runtime.run(None, {"images": images})
        expected = run(graph, weights, images).output
        assert difference(found, expected) < 1e-5


def test_every_operator_that_is_not_random_is_tried():
    tried = {case.operator for case in CASES if not is_random(case)}
    assert tried == {name for name, row in OPERATORS.items() if not row.is_random}


@pytest.mark.parametrize("case", [case for case in CASES if is_random(case)], ids=str)
def test_random_operators_are_refused(case):
    graph, tensors = graph_of(case)
    with pytest.raises(HarnessError, match=rf"{case.operator} at v\d+; try: export the evaluation graph"):
        exported(graph, numbers_for(case, graph, tensors, 1)[0])


def small_net():
    """Two layers, a residual connection and a constant; the weight of the first layer is used twice."""
    shapes = {"t0": (4, 1, 3, 3), "t1": (10, 4)}
    tensors = [Tensor(name, TensorKind.PARAMETER, True, shape, "F32") for name, shape in shapes.items()]
    build = Builder((1, 6, 6), tensors)
    window = {"strides": (1, 1), "pads": ((1, 1), (1, 1)), "dilations": (1, 1)}
    layer = lambda: build.emit("Conv", build.images, build.values["t0"], **window)  # noqa: E731
    x = build.emit("Add", build.emit("Relu", layer()), build.emit("Mul", layer(), build.constant(0.5)))
    x = build.emit("ReduceMean", x, axes=(2, 3))
    return build.finish(build.emit("Gemm", x, build.values["t1"], transB=True)).graph, shapes


def weights_of(shapes):
    return {name: np.random.default_rng(0).standard_normal(shape) for name, shape in shapes.items()}


def test_a_model_is_exported_with_its_sizes_and_numbers():
    graph, shapes = small_net()
    weights = weights_of(shapes)
    model = exported(graph, weights)
    ends = [
        [d.dim_param or d.dim_value for d in end.type.tensor_type.shape.dim]
        for end in (*model.graph.input, *model.graph.output)
    ]
    assert ends == [["N", 1, 6, 6], ["N", 10]]
    arrays = {array.name: onnx.numpy_helper.to_array(array) for array in model.graph.initializer}
    assert {name: array.dtype for name, array in arrays.items() if name in shapes} == dict.fromkeys(shapes, "float32")
    images = np.random.default_rng(1).random((5, 1, 6, 6), np.float32)
    (found,) = session(model).run(["output"], {"images": images})
    assert difference(found, run(graph, weights, images).output) < 1e-5


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ({"t0": "conv1.weight", "t1": "fc.weight"}, {"conv1.weight", "fc.weight"}),
        ({"t0": "w", "t1": "w"}, {"w"}),
        ({"t0": "images", "t1": "output"}, {"t0", "t1"}),
        ({"t0": "v1", "t1": "t0"}, {"t0", "t1"}),
        ({"t0": "_0", "t1": ""}, {"t0", "t1"}),
        ({"t0": "a b\x00<é>\n", "t1": "x" * 5000}, {"a_b_____", "x" * 100}),
    ],
)
def test_names_that_students_chose_are_no_danger(labels, names):
    graph, shapes = small_net()
    model = exported(graph, weights_of(shapes), labels)
    onnx.checker.check_model(model, full_check=True)
    found = {array.name for array in model.graph.initializer if array.dims and len(array.dims) > 1}
    assert len(found) == 2 and names <= found
    images = np.ones((2, 1, 6, 6), np.float32)
    assert np.array_equal(
        *(session(m).run(None, {"images": images})[0] for m in (model, exported(graph, weights_of(shapes))))
    )


def test_a_graph_that_computes_nothing_is_exported():
    build = Builder((3,), [])
    model = exported(build.finish(build.images).graph, {})
    onnx.checker.check_model(model, full_check=True)
    images = np.ones((2, 3), np.float32)
    assert np.array_equal(session(model).run(None, {"images": images})[0], images)
