"""Which models the engine can train. Pure: the controller asks, and nothing is compiled."""

from __future__ import annotations

from harness.engine.chain import chain_of
from harness.engine.layout import Plan, plan_of
from harness.engine.needs import bytes_of, code_of
from harness.engine.rules import NotCovered
from harness.engine.steps import Normalization
from harness.language.graph import ModelGraph
from harness.records.inputs import CLASSES

_MOST_BYTES = 768 << 20
_USUAL_BATCH = 128
_MOST_STEPS = 400
_MOST_CODE = 300
"""Compiling takes about a thirtieth of a second for each of these parts."""


def plans_of(model: ModelGraph) -> tuple[Plan, Plan]:
    """The plans of training and evaluation. Raises NotCovered."""
    trainable = frozenset(tensor.name for tensor in model.tensors if tensor.trainable and tensor.is_float)
    chains = chain_of(model.training), chain_of(model.evaluation)
    if any(len(chain.steps) > _MOST_STEPS for chain in chains):
        raise NotCovered(f"more than {_MOST_STEPS} steps")
    training, evaluation = plan_of(chains[0], trainable), plan_of(chains[1], frozenset())
    if any(step.is_training for step in _normalizations(evaluation)):
        raise NotCovered("a batch's own statistics in evaluation")
    if any({step.mean, step.var} & trainable for step in _normalizations(training)):
        raise NotCovered("statistics that are trained")
    for plan in (training, evaluation):
        if plan.output.place.count != CLASSES:
            raise NotCovered("outputs that are not ten for each image")
        if len(plan.steps) > _MOST_STEPS:
            raise NotCovered(f"more than {_MOST_STEPS} steps")
    if code_of((*training.steps, *evaluation.steps)) > _MOST_CODE:
        raise NotCovered("too many different steps")
    return training, evaluation


def _normalizations(plan: Plan) -> list[Normalization]:
    return [placed.step for placed in plan.steps if isinstance(placed.step, Normalization)]


def not_covered(model: ModelGraph, batch_size: int = _USUAL_BATCH) -> str:
    """Why the engine cannot train a model in batches of this size, in a few words; empty if it can."""
    try:
        training, evaluation = plans_of(model)
    except NotCovered as reason:
        return str(reason)
    sizes = {tensor.name: tensor.size for tensor in model.tensors}
    needed = 16 * sum(sizes.values()) + bytes_of(training, sizes, max(batch_size, _USUAL_BATCH), trains=True)
    needed += bytes_of(evaluation, sizes, _USUAL_BATCH, trains=False)
    return "more memory than a trainer has" if needed > _MOST_BYTES else ""
