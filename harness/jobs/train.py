"""Train an audited model once, and classify the test images."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.engine import Engine
from harness.records.framework import Framework
from harness.records.graph import OutputKind, Shape
from harness.records.run import Curve, Observations, RunStatus

TRAIN = "train"


@dataclass(frozen=True)
class Optimizer:
    """An optimizer with every constant stated, because the frameworks' defaults differ."""

    name: str
    learning_rate: float
    momentum: float
    beta_1: float
    beta_2: float
    epsilon: float


NO_OPTIMIZER = Optimizer("sgd", 0.0, 0.0, 0.0, 0.0, 1e-8)
"""For a model that is loaded and takes no step."""


@dataclass(frozen=True)
class Course:
    """How long to train and in what steps; `schedule` is that of `Budget`."""

    epochs: int
    batch_size: int
    schedule: str


@dataclass(frozen=True)
class TrainRequest:
    """One model to train: audited graph, initial weights (safetensors), the settings of the budget, and what trains it.

    Pixels are divided by `divisor`. With `keep_weights` the trained weights are returned too; with `sampled` the
    accuracy on training images is measured, which is only for models that this does not change. `read` names the
    operations of the evaluation graph whose values are read out before training.
    """

    framework: Framework
    engine: Engine
    output_kind: OutputKind
    input_shape: Shape
    seed: int
    divisor: int
    optimizer: Optimizer
    course: Course
    keep_weights: bool
    sampled: bool
    read: tuple[str, ...]
    graph: bytes
    weights: bytes


@dataclass(frozen=True)
class TrainingImages:
    """What every trainer may see, one byte for each pixel and label: no test labels."""

    train_images: memoryview
    train_labels: memoryview
    validation_images: memoryview
    validation_labels: memoryview
    test_images: memoryview


@dataclass(frozen=True)
class TrainAnswer:
    """How a run ended. `predictions` is the class of each test image, one byte each; `log_probabilities` are those of
    every class for each test image, float32; `weights`, as safetensors, are the trained ones, if requested.

    `seconds` are those of training, `cpu` is the processor it ran on. The compiled engine says which instructions it
    compiled for (`isa`) and how many float32 numbers one of them works on (`lanes`).
    """

    status: RunStatus
    reason: str
    curve: Curve
    seconds: float
    observations: Observations
    cpu: str = ""
    isa: str = ""
    lanes: int = 0
    predictions: bytes = b""
    log_probabilities: bytes = b""
    weights: bytes = b""
