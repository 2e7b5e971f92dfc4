"""Models that cheat by what they export: none passes, and each becomes what the table of attacks says."""

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("harness.backends.tensorflow.imported", exc_type=ImportError)  # imports TensorFlow its own way

from graph_attack_variants import VARIANTS  # noqa: E402
from graph_attacks import RED_TEAM, TORCH, Attack  # noqa: E402
from made_modules import built, judged_code  # noqa: E402

from harness.artifact.audit import audit  # noqa: E402
from harness.backends.tensorflow import backend as keras_backend  # noqa: E402
from harness.backends.tensorflow.device import use_one_thread  # noqa: E402
from harness.backends.tensorflow.imported import keras  # noqa: E402
from harness.backends.torch import backend as torch_backend  # noqa: E402
from harness.records.framework import Framework  # noqa: E402

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]

use_one_thread()  # before TensorFlow computes anything
BACKENDS = {Framework.TORCH: torch_backend, Framework.TENSORFLOW: keras_backend}
EACH = [pytest.param(one, id=one.name) for one in RED_TEAM]
EACH += [pytest.param(one, id=one.name, marks=[pytest.mark.long] * (k % 2)) for k, one in enumerate(VARIANTS)]
ROWS = 8
"""Of LeNet-5, with the one that makes it flat."""


def verdict_on(attack):
    keras.utils.clear_session(free_memory=False)
    return judged_code(BACKENDS[attack.framework], attack.code, attack.framework)


@pytest.mark.parametrize("attack", EACH)
def test_an_attack_is_found(attack):
    verdict = verdict_on(attack)
    if attack.becomes == "refused":
        assert verdict.refused and "Error: " not in verdict.refused, verdict
        return
    assert not verdict.refused
    assert not verdict.matches
    assert verdict.hidden >= attack.words
    if attack.becomes == "row":
        assert verdict.rows > ROWS and not verdict.findings
    else:
        assert attack.becomes in verdict.findings


@pytest.mark.parametrize("framework", list(Framework))
def test_without_an_attack_the_model_is_the_reference(framework):
    verdict = verdict_on(Attack("none", "", framework=framework))
    assert (verdict.refused, verdict.findings, verdict.matches) == ("", {}, True)
    assert (verdict.parameters, verdict.rows) == (61_706, ROWS)


def test_arguments_by_keyword_are_the_same_model():
    """A graph that is rewritten on its way out, by whoever has the build process."""
    code = TORCH.format(W="[]", BITS="[]", init="self.n = nn.BatchNorm1d(784)", before="v = self.n(v)", after="pass")
    artifact = built(torch_backend, code, Framework.TORCH)
    graph = json.loads(artifact.graph)
    names = ["input", "weight", "bias", "running_mean", "running_var", "training", "momentum", "eps"]
    for mode in ("train", "eval"):
        for node in graph[mode]["nodes"]:
            if node["op"] == "aten.native_batch_norm.default":
                node["kwargs"], node["args"] = dict(zip(names[5:], node["args"][5:], strict=True)), node["args"][:5]
            if node["op"] == "aten.relu.default":
                node["kwargs"], node["args"] = {"self": node["args"][0]}, []
    rewritten = replace(artifact, graph=json.dumps(graph).encode())
    assert audit(rewritten).model.fingerprint == audit(artifact).model.fingerprint


def test_there_are_as_many_as_the_documents_say():
    assert len({attack.name for attack in (*RED_TEAM, *VARIANTS)}) == len(RED_TEAM) + len(VARIANTS)
    assert (len(RED_TEAM), len(VARIANTS)) == (17, 90)
