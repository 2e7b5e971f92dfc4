"""The largest raw PyTorch graphs: what they cost grows with their size, and what would grow faster is refused."""

import time

import pytest
from torch_graph import INPUT_REF, call, node, tensor

from harness.artifact.reading import MAX_NODES
from harness.artifact.torch.translator import translate
from harness.records.errors import ArtifactError
from harness.records.graph import Tensor, TensorKind

TENSORS = {"t0": Tensor("t0", TensorKind.PARAMETER, True, (28, 28), "F32")}
BATCH = {"batch": [1, 0]}
SECONDS = 30
"""Processor seconds, ten times what the slowest needs on a slow machine."""
FIRST = call("mul.Tensor", INPUT_REF, tensor("t0"))


def written_through_slices(count):
    for k in range(count):
        yield call("slice.Tensor", node(0), 2, k % 27, k % 27 + 1, 1)
        yield call("relu_.default", node(2 * k + 1))


def at_the_end_of(views, count):
    """Many writes to the last of a chain of views."""
    return [FIRST, *views, *[call("mul_.Tensor", node(len(views)), 1.5)] * count]


def flat_and_back(k):
    return [BATCH, 784] if k % 2 else [BATCH, 1, 28, 28]


GRAPHS = {
    "a chain": [call("relu.default", INPUT_REF), *[call("relu.default", node(k)) for k in range(4_999)]],
    "views of views": [call("view.default", INPUT_REF if k == 0 else node(k - 1), flat_and_back(k)) for k in range(5_000)],
    "writes through slices": [FIRST, *written_through_slices(2_499)],
    "writes through permuted axes": [
        FIRST,
        call("permute.default", node(0), [3, 2, 1, 0]),
        *[call("add_.Tensor", node(1), 1 + k / 7) for k in range(4_998)],
    ],
    "values joined inside each other": [
        *[call("cat.default", [INPUT_REF if k == 0 else node(k - 1), INPUT_REF], 1) for k in range(2_500)],
        *[call("slice.Tensor", node(2_499), 1, 0, 1 + k % 2, 1) for k in range(2_500)],
    ],
    "joined and transposed": [
        *[
            call("cat.default", [INPUT_REF if k == 0 else node(k - 1), INPUT_REF], 1)
            if k % 2 == 0
            else call("transpose.int", node(k - 1), 2, 3)
            for k in range(2_400)
        ],
        *[call("slice.Tensor", node(2_399), 1, 0, 1, 1)] * 2_600,
    ],
    "many results": [
        call("expand.default", INPUT_REF, [20_000, BATCH, 1, 28, 28]),
        *[call("unbind.int", node(0), 0)] * 4_998,
        call("relu.default", node(4_998, 19_999)),
    ],
}  # fmt: skip
REFUSED = {
    "writes at the end of transposes": at_the_end_of([call("transpose.int", node(k), 2, 3) for k in range(2_500)], 2_400),
    "writes at the end of detached views": at_the_end_of([call("detach.default", node(k)) for k in range(2_500)], 2_400),
    "writes at the end of flat views": at_the_end_of([call("view.default", node(k), flat_and_back(k)) for k in range(2_500)], 2_400),
    "large patches": [call("im2col.default", INPUT_REF, [28, 28], [1, 1], [0, 0], [1, 1])] * 5_000,
    "each axis turned many times": [call("flip.default", INPUT_REF, [1] * 4_000)] * 70,
}  # fmt: skip


def spent(nodes):
    start = time.process_time()
    try:
        return translate({"nodes": nodes, "output": node(0)}, TENSORS, (1, 28, 28), is_training=True)
    finally:
        assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("nodes", GRAPHS.values(), ids=list(GRAPHS))
def test_the_largest_graphs_are_translated_soon(nodes):
    assert len(nodes) == MAX_NODES or len(nodes) == MAX_NODES - 1
    assert spent(nodes) is not None


@pytest.mark.parametrize("nodes", REFUSED.values(), ids=list(REFUSED))
def test_work_that_grows_faster_than_a_graph_is_refused(nodes):
    with pytest.raises(ArtifactError, match="a graph that takes at most 60,000 operators"):
        spent(nodes)


def test_there_are_limits_on_nodes_and_references():
    with pytest.raises(ArtifactError, match="at most 5,000"):
        spent([FIRST] * 5_001)
    with pytest.raises(ArtifactError, match="at most 20,000 references"):
        spent([call("cat.default", [INPUT_REF] * 4_001, 1)] * 5)
    with pytest.raises(ArtifactError, match="operators called with the arguments they take"):
        spent([call("cat.default", [INPUT_REF] * 4_097, 1)])
