"""Random raw PyTorch graphs: whatever is in them, they are refused in words or run, and compute what PyTorch does."""

import time
from random import Random

import numpy as np
import pytest
from torch_random_graphs import INPUT, TENSORS, Maker, damaged

from harness.artifact.torch.translator import rules, translate
from harness.language.interpreter import run
from harness.language.text import assembled, model_text, read_model
from harness.records.errors import ArtifactError
from harness.records.framework import Framework

SECONDS = 10
"""Processor seconds for one graph, whatever else the machine does."""


def numbers(seed):
    chance = np.random.default_rng(seed)
    kinds = {"F32": lambda s: chance.random(s) + 0.1, "BOOL": lambda s: chance.random(s) < 0.5}
    return {
        name: np.asarray(kinds.get(t.dtype, lambda s: chance.integers(0, 2, s))(t.shape)) for name, t in TENSORS.items()
    }


def drawn(graph, count):
    """The same numbers for each random node of a shape."""
    made = {}
    for node in graph.nodes:
        if node.operator in ("Dropout", "Bernoulli", "RandomUniform", "RandomNormal"):
            shape = [d if isinstance(d, int) else d.at(count) for d in graph.values[node.name].shape]
            made[node.name] = np.random.default_rng(len(made)).integers(0, 2, shape).astype(float)
    return made


def computed(translation, count):
    """What an accepted graph gives for a batch; None for indices outside of an axis, which only values show."""
    images = np.random.default_rng(count).random((count, *INPUT))
    try:
        return run(translation.graph, numbers(1), images, drawn(translation.graph, count)).output
    except ArtifactError as error:
        assert "index" in str(error) or "indices" in str(error), error
        return None


@pytest.mark.parametrize("part", range(10))
def test_damaged_graphs_are_refused_in_words_or_run(part):
    for seed in range(part * 12, part * 12 + 12):
        maker, random = Maker(seed).grow(6, tries=15), Random(seed)
        for _ in range(40):
            mode = {"nodes": damaged(random, maker.nodes), "output": maker.output}
            start = time.process_time()
            try:
                found = translate(mode, TENSORS, INPUT, is_training=True)
            except ArtifactError as error:
                text = f"{error.expected}{error.found}{error.try_}"
                assert text.isprintable() and len(text) < 1000, text
                continue
            finally:
                assert time.process_time() - start < SECONDS
            model = assembled(Framework.TORCH, INPUT, tuple(TENSORS.values()), found.graph, found.graph)
            assert read_model(model_text(model)).fingerprint == model.fingerprint
            computed(found, 2)


def test_every_operator_is_reached():
    """A fuzzer whose graphs all have the same operators would find nothing in the others."""
    reached = {node["op"] for seed in range(200) for node in Maker(seed).grow(8, tries=20).nodes}
    assert len(reached) > 0.85 * len(rules()), sorted(rules().keys() - reached)
