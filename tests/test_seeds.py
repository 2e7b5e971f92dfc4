"""All seeds of a submission in one build process: each as if it were built alone, and none is trusted."""

import json
import math
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch_graph

from harness.experiments.examine import examine
from harness.handins.discover import take_in
from harness.jobs import frames, wire
from harness.jobs.build import BUILD, BuildAnswer, BuildRequest
from harness.jobs.ending import Ending, answer_in, answered
from harness.jobs.job import Job
from harness.jobs.limits import MIB, Limits
from harness.jobs.validate import ValidateAnswer
from harness.records.check import Outcome
from harness.records.framework import Framework
from harness.records.submission import SourceFile, Submission
from harness.tasks.assignment import Assignment, SafetyLimits
from reference.lenet5 import LENET5

BEHAVIOURS = Path(__file__).parent / "submissions"
LIMITS = Limits(wall_seconds=60)
FREE = Assignment(architecture="free", limits=SafetyLimits(build_seconds=20, memory_mib=1024))
FIXTURES = "lenet5 several_files module_level batchnorm_dropout tied_weights".split()
FRAMEWORKS = pytest.mark.parametrize("framework", Framework, ids=str)

TORCH = """
import torch
from torch import nn
{before}
def build_model():
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))
    {change}
    return model
"""
KERAS = """
import keras
from keras import layers
{before}
def build_model():
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(30, "relu"), layers.Dense(10)])
    {change}
    return model
"""


def submission(framework, before="", change="", **others):
    source = {Framework.TORCH: TORCH, Framework.TENSORFLOW: KERAS}[framework]
    text = source.format(
        before=textwrap.dedent(before), change=textwrap.indent(textwrap.dedent(change), "    ").strip()
    )
    files = {"model.py": text, **{name.replace("__", "/") + ".py": content for name, content in others.items()}}
    found = tuple(SourceFile(path, textwrap.dedent(content).encode()) for path, content in files.items())
    return Submission("ada", found, "model.py", framework)


def built(zygotes, found, *seeds, limits=LIMITS):
    job = Job.of(BUILD, BuildRequest.of(found, seeds), limits)
    return answer_in(zygotes.get(found.framework).run(job), BuildAnswer)


def alone(zygotes, found, *seeds):
    answers = [built(zygotes, found, seed) for seed in seeds]
    assert len({answer.graph for answer in answers}) == 1
    return answers[0].graph, tuple(answer.weights[0] for answer in answers)


class Recording:
    """A launcher that keeps the jobs it is given."""

    def __init__(self, launcher):
        self.launcher, self.jobs = launcher, []

    def run(self, job, shared=()):
        self.jobs.append(job)
        return self.launcher.run(job, shared)

    def builds(self):
        return [job for job in self.jobs if job.name == BUILD]


def seeds_of(job):
    return wire.decode(BuildRequest, *frames.decode(job.request)).seeds


def findings(examined):
    return {check.name for check in examined.verdict.checks if check.brief}


@pytest.mark.frameworks
@pytest.mark.parametrize("name", FIXTURES)
@pytest.mark.parametrize("framework", ["torch", "keras"])
def test_each_seed_starts_as_if_it_were_built_alone(name, framework, zygotes):
    found = take_in(BEHAVIOURS / f"{name}_{framework}")
    together = built(zygotes, found, 0, 1, 2)
    assert (together.graph, together.weights) == alone(zygotes, found, 0, 1, 2)


LEFT_BEHIND = {
    Framework.TORCH: {
        "its own names": {"before": "count = 0", "change": "global count; count += 1; model[1].weight.data *= count"},
        "a file beside it": {
            "before": "import memory",
            "change": "memory.seen.append(1); model[1].weight.data *= len(memory.seen)",
            "memory": "seen = []",
        },
        "a folder beside it": {
            "before": "from parts import memory",
            "change": "memory.seen.append(1); model[1].weight.data *= len(memory.seen)",
            "parts__memory": "seen = []",
        },
        "the default device": {"before": "torch.set_default_device('cuda')"},
        "gradients off": {"before": "torch.set_grad_enabled(False)"},
    },
    Framework.TENSORFLOW: {
        "its own names": {
            "before": "count = 0",
            "change": "global count; count += 1; model.layers[1].trainable = count < 2",
        },
        "a file beside it": {
            "before": "import memory",
            "change": "memory.seen.append(1); model.layers[1].trainable = len(memory.seen) < 2",
            "memory": "seen = []",
        },
        "a folder beside it": {
            "before": "from parts import memory",
            "change": "memory.seen.append(1); model.layers[1].trainable = len(memory.seen) < 2",
            "parts__memory": "seen = []",
        },
        "names of layers": {"change": 'assert model.layers[1].name == "dense", model.layers[1].name'},
        "the default type": {"change": 'keras.config.set_floatx("float64")'},
        "where channels are": {"change": 'keras.config.set_image_data_format("channels_first")'},
        "a policy": {"change": 'keras.config.set_dtype_policy("mixed_float16")'},
        "a registered class": {
            "before": """
            @keras.saving.register_keras_serializable("mine")
            class Mine(layers.Layer):
                pass
            """
        },
    },
}
LEFT = [(framework, what) for framework, kinds in LEFT_BEHIND.items() for what in kinds]


@pytest.mark.frameworks
@pytest.mark.parametrize(("framework", "what"), LEFT)
def test_nothing_of_one_seed_is_left_for_the_next(framework, what, zygotes):
    found = submission(framework, **LEFT_BEHIND[framework][what])
    together = built(zygotes, found, 0, 1, 2)
    assert (together.graph, together.weights) == alone(zygotes, found, 0, 1, 2)


@pytest.mark.frameworks
@FRAMEWORKS
def test_two_processes_build_all_seeds(framework, zygotes):
    launcher = Recording(zygotes.get(framework))
    examined = examine(submission(framework), launcher, range(3), FREE, LENET5)
    assert examined.verdict.outcome is Outcome.PASSED
    assert len(set(examined.verdict.weight_digests)) == 3
    assert [seeds_of(job) for job in launcher.builds()] == [(0,), (1, 2, 0)]
    assert [job.limits.wall_seconds for job in launcher.builds()] == [20, 60]


@pytest.mark.frameworks
def test_what_cannot_be_built_twice_in_a_process_is_built_in_several(zygotes):
    """The second seed fails in the process of the first, and not in its own."""
    before = """
    import sys
    assert not hasattr(sys, "ran")
    sys.ran = True
    """
    launcher = Recording(zygotes.get(Framework.TORCH))
    examined = examine(submission(Framework.TORCH, before), launcher, range(3), FREE, LENET5)
    assert examined.verdict.outcome is Outcome.PASSED
    assert len(launcher.builds()) == 4


@pytest.mark.frameworks
@FRAMEWORKS
def test_weights_kept_for_the_next_seed_do_not_hide_that_they_cannot_be_repeated(framework, zygotes):
    """Drawn from the clock and kept in the process: the first seed would repeat them there."""
    before = """
    import sys, os
    import numpy as np
    if not hasattr(sys, "kept"):
        sys.kept = np.random.default_rng(int.from_bytes(os.urandom(8), "little")).normal(size=(784, 30)).astype("float32")
    """
    change = {
        Framework.TORCH: "model[1].weight.data = torch.from_numpy(sys.kept.T.copy())",
        Framework.TENSORFLOW: "model.layers[1].set_weights([sys.kept, np.zeros(30)])",
    }
    found = submission(framework, before, change[framework])
    together = built(zygotes, found, 0, 1, 0)
    assert together.weights[0] == together.weights[2]
    examined = examine(found, zygotes.get(framework), range(2), FREE, LENET5)
    assert "unrepeatable" in findings(examined)


@pytest.mark.frameworks
@FRAMEWORKS
def test_stored_weights_are_found_when_every_seed_permutes_and_blurs_them(framework, zygotes):
    """The numbers of a fixed generator stand for stored ones. On each seed's own order of units the function is the
    same."""
    before = """
    import numpy as np
    stored = np.random.RandomState(5).normal(size=(784, 30)) * 0.05
    """
    change = """
    order = np.random.permutation(30)
    first = (stored * np.random.choice([-1, 1], 30) * (1 + 0.1 * np.random.normal(size=(784, 30))))[:, order]
    """
    change += {
        Framework.TORCH: "model[1].weight.data = torch.tensor(first.T.copy(), dtype=torch.float32)",
        Framework.TENSORFLOW: "model.layers[1].set_weights([first, np.zeros(30)])",
    }[framework]
    examined = examine(submission(framework, before, change), zygotes.get(framework), range(2), FREE, LENET5)
    (check,) = (check for check in examined.verdict.checks if check.brief)
    assert (check.name, check.outcome, check.brief) == ("same_weights", Outcome.FLAGGED, "23,520 numbers")
    assert "apart from their order, scale, sign or some noise" in check.found
    assert "23,520 of 23,860 numbers" in check.found


@pytest.mark.frameworks
@FRAMEWORKS
def test_models_of_other_seeds_take_no_memory(framework, zygotes):
    """Five models of 12 MB, each held by its module, take no more than one and the weights of all, in two copies."""
    source = {
        Framework.TORCH: "model = torch.nn.Sequential(nn.Flatten(), nn.Linear(784, 4000), nn.Linear(4000, 10))",
        Framework.TENSORFLOW: "model = keras.Sequential([keras.Input((28, 28)), layers.Flatten(), layers.Dense(4000), "
        "layers.Dense(10)])",
    }[framework]
    found = submission(framework, source)
    found = replace(found, files=(replace(found.files[0], content=found.files[0].content.split(b"def ")[0]),))
    endings = {}
    for seeds in ((0,), (0, 1, 2, 3, 4)):
        job = Job.of(BUILD, BuildRequest.of(found, seeds), LIMITS)
        endings[len(seeds)] = zygotes.get(framework).run(job)
        assert len(answer_in(endings[len(seeds)], BuildAnswer).weights) == len(seeds)
    weights = len(endings[1].frame)
    assert weights > 12 * MIB
    assert endings[5].peak_memory - endings[1].peak_memory < 4 * 2 * weights + 60 * MIB


@pytest.mark.frameworks
def test_a_process_answers_before_its_weights_fill_its_memory(zygotes):
    found = submission(
        Framework.TORCH, "size = 10_000", "model[1], model[3] = nn.Linear(784, size), nn.Linear(size, 10)"
    )
    answer = built(zygotes, found, 0, 1, 2, 3)
    assert len(answer.weights) == 3
    examined = examine(found, zygotes.get(Framework.TORCH), range(4), FREE, LENET5)
    assert len(set(examined.verdict.weight_digests)) == 4


@pytest.mark.frameworks
@FRAMEWORKS
def test_another_model_for_another_seed_fails(framework, zygotes):
    change = {
        Framework.TORCH: "if torch.initial_seed() == 2: model[2] = nn.Tanh()",
        Framework.TENSORFLOW: "if keras.src.utils.rng_utils.get_random_seed() == 2: model.layers[1].activation = None",
    }
    examined = examine(submission(framework, change=change[framework]), zygotes.get(framework), range(3), FREE, LENET5)
    (check,) = (check for check in examined.verdict.checks if check.outcome is Outcome.FAILED)
    assert (check.name, check.found) == ("model", "a different graph when it was built again")


class Forged:
    """A launcher whose builds answer what they are told to: the first seed alone, then the others."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def run(self, job, shared=()):
        del shared
        if job.name != BUILD:
            return ended(ValidateAnswer(0.0, 0.0, 0.0, ""))
        self.asked.append(seeds_of(job))
        return ended(self.answers.pop(0))


def ended(answer):
    return Ending(0, None, answered(answer), "", 0.1, 1 << 20)


def forged(*weights, graph=None, **others):
    text = json.dumps(graph or torch_graph.small_net()).encode()
    answer = BuildAnswer("Net()", (), text, json.dumps(torch_graph.LABELS).encode(), weights, b"", 0, ())
    return replace(answer, **others)


def drawn(seed, shapes=torch_graph.SHAPES):
    blob = torch_graph.weights(shapes)
    size = sum(math.prod(shape) for shape in shapes.values())
    return blob[: -4 * size] + np.random.default_rng(seed).normal(size=size).astype("<f4").tobytes()


WIDER = {**torch_graph.SHAPES, "t2": [20, 1176]}
OTHER = torch_graph.changed(torch_graph.small_net(), "eval.nodes.1.op", "aten.tanh.default")
REPEATED = forged(drawn(0))


@pytest.mark.parametrize(
    ("answers", "check", "words"),
    [
        ([forged(drawn(1), drawn(2), drawn(0))], "", ""),
        ([forged(drawn(1)), forged(drawn(2), drawn(0))], "", ""),
        ([forged(drawn(1)), forged(drawn(2)), forged(drawn(0))], "", ""),
        ([forged()], "artifact", "weights of 1 to 3 seeds"),
        ([forged(*map(drawn, (1, 2, 0, 3)))], "artifact", "weights of 1 to 3 seeds"),
        ([forged(drawn(1)), forged(*map(drawn, (2, 0, 3)))], "artifact", "weights of 1 to 2 seeds"),
        ([forged(drawn(1), drawn(2, WIDER), drawn(0))], "artifact", "the weights that the graph names"),
        ([forged(drawn(1), b"", drawn(0))], "artifact", "a safetensors blob"),
        ([forged(drawn(1), drawn(2), drawn(0), graph=OTHER)], "model", "the same model in every build"),
        ([forged(drawn(1)), forged(drawn(2), drawn(0), graph=OTHER)], "model", "the same model in every build"),
        ([forged(drawn(1), drawn(2), drawn(4))], "unrepeatable", "the same weights from the same seed"),
        ([forged(drawn(0), drawn(2), drawn(0))], "same_weights", "different weights from each seed"),
    ],
)
def test_what_a_build_says_of_other_seeds_is_checked_as_the_first_one_is(answers, check, words):
    """A child that claims one graph for all seeds gains nothing: there is one graph, and all weights must fit it."""
    launcher = Forged(REPEATED, *answers)
    examined = examine(Submission("ada", (), "model.py", Framework.TORCH), launcher, range(3), FREE, LENET5)
    found = [c for c in examined.verdict.checks if c.outcome in (Outcome.FAILED, Outcome.FLAGGED)]
    assert [(c.name, c.expected) for c in found if c.id != "hidden"] == ([(check, words)] if check else [])
    assert not launcher.answers


@pytest.mark.parametrize(("claimed", "shown"), [(-5, "0 bytes"), (10**4000, "1,073,741,824 bytes")])
def test_a_count_of_literals_is_a_claim_too(claimed, shown):
    launcher = Forged(forged(drawn(0), literals=claimed), forged(drawn(1), drawn(0)))
    examined = examine(Submission("ada", (), "model.py", Framework.TORCH), launcher, [0], FREE, LENET5)
    (check,) = (check for check in examined.verdict.checks if check.id == "source_data")
    assert check.found.startswith(shown)
