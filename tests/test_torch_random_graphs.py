"""Random raw PyTorch graphs that the translation takes: it computes what PyTorch does, for two sizes of batches."""

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from test_torch_translator_fuzz import numbers  # noqa: E402
from torch_random_graphs import INPUT, TENSORS, Maker, accepted  # noqa: E402

from harness.backends.torch.original import original  # noqa: E402
from harness.child.validate import taken  # noqa: E402
from harness.language.interpreter import run  # noqa: E402
from harness.records.errors import ArtifactError  # noqa: E402

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]
SPECS = {
    t.name: {"kind": t.kind.value, "trainable": t.trainable, "shape": list(t.shape), "dtype": t.dtype}
    for t in TENSORS.values()
}


def agrees(seed):
    """Whether both compute the same; None where PyTorch refuses a call that no tracer could have seen, or where there
    are numbers that are not finite."""
    maker = Maker(seed).grow(7, tries=20)
    translation, mode = accepted(maker.nodes, maker.output), {"nodes": maker.nodes, "output": maker.output}
    graph = json.dumps({"input": INPUT, "tensors": SPECS, "train": mode, "eval": mode}).encode()
    for count in (3, 5):
        images = np.random.default_rng(count).random((count, *INPUT))
        try:
            theirs = original(graph, numbers(1)).run(True, images, None, translation.draws)
            ours = run(translation.graph, numbers(1), images, taken(theirs.drawn, translation.draws)).output
        except (RuntimeError, IndexError, NotImplementedError, ArtifactError):
            return None
        if not np.isfinite(theirs.outputs).all():
            return None
        if theirs.outputs.shape != ours.shape or not np.allclose(theirs.outputs, ours, rtol=1e-6, atol=1e-6):
            return False
    return True


def test_what_is_taken_computes_what_pytorch_does():
    found = {seed: agrees(seed) for seed in range(5000, 5160)}
    assert [seed for seed, agreed in found.items() if agreed is False] == []
    assert sum(agreed is True for agreed in found.values()) > 80
