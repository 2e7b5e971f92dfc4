"""The time of each part of a step of the compiled engine."""

import time
from collections import Counter

import numpy as np

STEPS, BATCH = 100, 128


def profiled_steps(artifact, data):
    """(part, share of a step), the largest first; what is not in a part is Python around them."""
    from one_model import task

    from harness.engine import trainee
    from harness.records.inputs import arrange

    images, labels = data
    model = trainee.load(task(artifact))
    order = np.random.default_rng(1).permutation(len(labels))[: (STEPS + 2) * BATCH]
    images = arrange(images, (1, 28, 28))
    model.train_epoch(images, labels, order[: 2 * BATCH], BATCH, np.ones(2))
    spent = Counter()
    watch(model, spent)
    started = time.perf_counter()
    model.train_epoch(images, labels, order[2 * BATCH :], BATCH, np.ones(STEPS))
    whole = time.perf_counter() - started
    return [
        *((name, seconds / whole) for name, seconds in spent.most_common()),
        ("all others", 1 - spent.total() / whole),
    ]


def watch(model, spent):
    """Time every action of the training program, and the optimizer."""
    program = model._training
    names = [type(placed.step).__name__.lower() for placed in program._plan.steps]
    program._forward = [
        timed(action, f"{name}, forward", spent)
        for name, bound in zip(names, program._bound, strict=True)
        for action in bound.forward
    ]
    program._backward = [timed(action, "backward", spent) for action in program._backward]
    program._gather = timed(program._gather, "images into lanes", spent)
    program._loss = timed(program._loss, "loss", spent)
    model._optimizer = timed(model._optimizer, "optimizer", spent)


def timed(action, name, spent):
    def watched(*arguments):
        started = time.perf_counter()
        found = action(*arguments)
        spent[name] += time.perf_counter() - started
        return found

    return watched
