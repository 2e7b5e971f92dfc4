"""Findings: possible cheating through data, or innocent causes. Facts become checks, a policy says which of them fail.

Pure. A check with a `brief` is a finding; its id is the policy's key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.language.batch import mixing
from harness.language.dependence import random_nodes, updates
from harness.language.graph import ModelGraph
from harness.language.refusals import not_supported
from harness.model.advice import name_tensors
from harness.records.check import Check, Outcome
from harness.records.checks import Findings
from harness.records.framework import Framework
from harness.records.graph import Tensor
from harness.records.run import RunResult, RunStatus, beyond_shuffles
from harness.records.verdict import Verdict
from harness.words.base import Words, words_of

UNTRAINED_LIMIT = 0.4
"""Higher accuracy than this before training means pretrained; docs/assignment.md has the measurement behind it."""

SOURCE_DATA_LIMIT = 16_000
"""More bytes of literals than this in the code that defines the model are reported."""
READOUT_LIMIT = 0.42
"""A read-out beyond all shuffles with fewer errors left than this means pretrained; docs/assignment.md has the
measurement behind it."""

_OUTCOMES = {"fail": Outcome.FAILED, "flag": Outcome.FLAGGED}


def decided(checks: Sequence[Check], policy: Findings) -> tuple[Check, ...]:
    """The same checks, each finding failed or flagged according to the policy."""
    return tuple(replace(c, outcome=_OUTCOMES[getattr(policy, c.id)]) if c.brief else c for c in checks)


def under_policy(verdict: Verdict, policy: Findings) -> Verdict:
    """A verdict under a policy, whatever policy it was made under."""
    return replace(verdict, checks=decided(verdict.checks, policy))


def same_weights(
    trainable: Sequence[Tensor], same: Sequence[Tensor], framework: Framework, disguised: Sequence[Tensor] = ()
) -> Check:
    """Whether initial weights depend on the seed.

    `same` are the trainable tensors that start equal in two seeds, `disguised` those that are copies in another order
    or scale, negated, or with some noise.
    """
    if not (same or disguised):
        return Check("same_weights", Outcome.PASSED, found="each seed starts from different weights")
    total, (equal, changed) = _size(trainable), (_size(same), _size(disguised))
    parts = [f"the same {equal:,} of {total:,} numbers: {name_tensors(same)}"] if same else []
    parts += [f"{changed:,} of {total:,} numbers {_DISGUISED}: {name_tensors(disguised)}"] if disguised else []
    found = "; and from ".join(parts) if equal < total else f"the same {total:,} numbers"
    expected, advice = "different weights from each seed", words_of(framework).LEAVE_SEEDS
    found = f"seeds 0 and 1 start from {found}"
    return Check("same_weights", Outcome.FAILED, expected, found, advice, _numbers(equal + changed))


def source_data(size: int, places: Sequence[str]) -> Check:
    """Whether much data is written into the source; `size` in bytes, `places` say where most of it is."""
    found = f"{size:,} bytes of numbers, strings and bytes in the code that defines the model"
    if size <= SOURCE_DATA_LIMIT:
        return Check("source_data", Outcome.PASSED, found=found)
    found += f", most of them in {'; '.join(places)}" if places else ""
    expected = (
        f"at most {SOURCE_DATA_LIMIT // 1000} KB of numbers, strings and bytes in the code that defines the model"
    )
    return Check("source_data", Outcome.FAILED, expected, found, _NO_STORED, f"{size // 1000:,} KB")


def unrepeatable(trainable: Sequence[Tensor], changed: Sequence[Tensor]) -> Check:
    """Whether one seed always gives the same weights; `changed` are the trainable tensors that a rebuild changed."""
    if not changed:
        return Check("unrepeatable", Outcome.PASSED, found="seed 0 gives the same weights again")
    total, count = _size(trainable), _size(changed)
    found = f"seed 0, built twice, gives different weights: {count:,} of {total:,} numbers, {name_tensors(changed)}"
    return Check("unrepeatable", Outcome.FAILED, "the same weights from the same seed", found, _DRAW, _numbers(count))


def of_graph(model: ModelGraph) -> tuple[Check, ...]:
    """What the evaluation graph itself proves: whether each image is answered alone, and always in the same way.

    Raises ArtifactError for a graph of which neither the one nor the other can be proved.
    """
    return _independence(model), _constancy(model)


def _independence(model: ModelGraph) -> Check:
    expected = "the same answer for an image whatever else is in the batch"
    end = mixing(model.evaluation)
    if end is None:
        return Check("batch_dependent", Outcome.PASSED, expected, "each image is answered alone")
    where = model.labels.get(end.node.name, "") or f"operator {end.node.operator}"
    if not end.is_certain:
        raise not_supported(f"{where} on an axis that the images share with something else")
    found = f"{where} computes an image's answer from other images of the batch"
    advice = words_of(model.framework).COMPUTE_ALONE
    return Check("batch_dependent", Outcome.FAILED, expected, found, advice, brief=end.node.operator)


def _constancy(model: ModelGraph) -> Check:
    expected = "the same answer whenever an image is evaluated"
    random = [node.operator for node in random_nodes(model.evaluation)]
    writing = [node.operator for node in model.evaluation.nodes if updates(node)]
    if not random and not writing:
        return Check("evaluation", Outcome.PASSED, expected, "nothing random, and nothing is changed")
    how = "draws random numbers" if random else "changes its own statistics"
    found = f"the model {how} when it is evaluated ({', '.join(dict.fromkeys(random or writing))})"
    advice = "use dropout, noise and batch statistics in training only: let the framework switch them off"
    return Check("evaluation", Outcome.FAILED, expected, found, advice, brief=how)


def of_runs(verdict: Verdict, runs: Sequence[RunResult]) -> tuple[Check, ...]:
    """What the trainers of a submission's seeds observed, as checks; none where all is well."""
    found = (_pretrained(runs), _unmoved(verdict, runs))
    return tuple(check for check in found if check is not None)


def _pretrained(runs: Sequence[RunResult]) -> Check | None:
    """Whether a model knew the classes before training: by its answers, or by the values inside of it."""
    accuracy, seed = max(((run.observations.untrained_accuracy or 0.0, run.seed) for run in runs), default=(0.0, 0))
    if accuracy <= UNTRAINED_LIMIT:
        return _pretrained_inside(runs)
    expected = f"about 10 % accuracy on the held-out images before training, at most {100 * UNTRAINED_LIMIT:.0f} %"
    found = f"{100 * accuracy:.1f} % accuracy before the first training step (seed {seed})"
    return Check("pretrained", Outcome.FAILED, expected, found, _NO_STORED, f"{100 * accuracy:.1f} %")


def _pretrained_inside(runs: Sequence[RunResult]) -> Check | None:
    every = [(one, run.seed) for run in runs for one in beyond_shuffles(run.observations.readouts, READOUT_LIMIT)]
    if not every:
        return None
    best, seed = min(every, key=lambda one: one[0].errors_left)
    expected = "values inside of the untrained model that tell the classes apart no better than those of random weights"
    found = (
        f"a linear classifier of values inside of the untrained model is {100 * best.accuracy:.1f} % accurate; "
        f"with the same weights shuffled, at most {100 * max(best.shuffled):.1f} % (seed {seed})"
    )
    return Check("pretrained", Outcome.FAILED, expected, found, _NO_STORED, f"{100 * best.accuracy:.1f} % inside")


def _unmoved(verdict: Verdict, runs: Sequence[RunResult]) -> Check | None:
    """Tensors that no seed changed: in a single seed a layer may have died by bad luck."""
    ended = [run.observations.unmoved for run in runs if run.status is RunStatus.DONE]
    names = set.intersection(*(set(unmoved) for unmoved in ended)) if ended else set()
    if not names:
        return None
    sizes = _by_layer(verdict, {name: ended[0][name] for name in sorted(names)})
    count = sum(sizes.values())
    listed = ", ".join(f"{label} ({size:,})" for label, size in list(sizes.items())[:_LISTED])
    more = f" and {len(sizes) - _LISTED} more" if len(sizes) > _LISTED else ""
    found = f"{count:,} numbers are unchanged by training, in every seed: {listed}{more}"
    expected = "training to change every trainable weight"
    return Check("unmoved", Outcome.FAILED, expected, found, _words(verdict).LET_GRADIENT_THROUGH, _numbers(count))


def _by_layer(verdict: Verdict, sizes: Mapping[str, int]) -> dict[str, int]:
    """Sizes of tensors summed by the layer that holds them, under the student's name for it."""
    holders = {name: layer.label or layer.kind for layer in verdict.layers for name in layer.tensors}
    summed: Counter[str] = Counter()
    for name, size in sizes.items():
        summed[holders.get(name, "unused layers")] += size
    return dict(summed)


def _words(verdict: Verdict) -> Words:
    assert verdict.framework is not None  # it was trained
    return words_of(verdict.framework)


def _size(tensors: Sequence[Tensor]) -> int:
    return sum(tensor.size for tensor in tensors)


def _numbers(count: int) -> str:
    return f"{count:,} number{'' if count == 1 else 's'}"


_LISTED = 6
_DISGUISED = "that are the same apart from their order, scale, sign or some noise"
_NO_STORED = "start from random weights: remove those stored in the file, the harness does the training"
_DRAW = (
    "let the framework initialize the weights: the harness seeds it, NumPy and random, but not the clock, os.urandom "
    "or secrets"
)
