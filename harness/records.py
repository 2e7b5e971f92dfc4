"""The nouns that pass between the stages. Frozen: a stage reads its input and returns a new record.

Shapes are channels first and leave out the batch. Counts are in numbers (not bytes), times in seconds.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

Shape = tuple[int, ...]


class Framework(StrEnum):
    """The framework a model is written in."""

    TORCH = "torch"
    TENSORFLOW = "tensorflow"


class Outcome(StrEnum):
    """How a check ended. `errored` means that the harness could not look; `flagged`, that it found something which
    the assignment lets pass."""

    PASSED = "passed"
    FLAGGED = "flagged"
    FAILED = "failed"
    SKIPPED = "skipped"
    ERRORED = "errored"


class OutputKind(StrEnum):
    """What the ten outputs of a model are, told from its graph; it selects the loss."""

    LOGITS = "logits"
    LOG_PROBABILITIES = "log-probabilities"
    PROBABILITIES = "probabilities"


class TensorKind(StrEnum):
    """How a model holds a tensor. Only a trainable parameter is trained; everything else is capacity all the same."""

    PARAMETER = "parameter"
    BUFFER = "buffer"
    UNREGISTERED = "unregistered"
    CONSTANT = "constant"


class RunStatus(StrEnum):
    """How one training run ended. A `refused` model gave outputs that are no answer; what is stored of a `damaged` run
    cannot be how one ended."""

    DONE = "done"
    DIVERGED = "diverged"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    REFUSED = "refused"
    CRASHED = "crashed"
    DAMAGED = "damaged"


@dataclass(frozen=True)
class Check:
    """What was looked at and what came of it, in the words the submission's author reads.

    A check with a `brief`, such as `91.3 %`, is a finding: the assignment says whether it fails or flags.
    """

    name: str
    outcome: Outcome
    expected: str = ""
    found: str = ""
    try_: str = ""
    brief: str = ""

    def as_dict(self) -> dict[str, str]:
        """The form that `--json` prints; `try_` is spelled `try`."""
        return {
            "name": self.name,
            "outcome": str(self.outcome),
            "expected": self.expected,
            "found": self.found,
            "try": self.try_,
        }


@dataclass(frozen=True)
class SourceFile:
    """One Python file or notebook of a submission: its path inside the submission and its bytes."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Submission:
    """What a student handed in, read once. `entry` is the path of the file that defines the model, `hint` what its
    author or the instructor says the model is: `Net(classes=10)`. `notes` tell how it was put together."""

    name: str
    files: tuple[SourceFile, ...]
    entry: str
    framework: Framework
    hint: str = ""
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the framework, the hint and every file's path and bytes."""
        state = hashlib.sha256(f"{self.framework}\0{self.entry}\0{self.hint}".encode())
        for file in self.files:
            state.update(f"\0{file.path}\0{len(file.content)}\0".encode())
            state.update(file.content)
        return state.hexdigest()


@dataclass(frozen=True)
class Rejected:
    """A submission that could not be taken in; `check` says why."""

    name: str
    check: Check


@dataclass(frozen=True)
class Tensor:
    """One tensor of an audited model. `label` is the student's own name for it and is never trusted."""

    name: str
    kind: TensorKind
    trainable: bool
    shape: Shape
    dtype: str
    label: str = ""

    @property
    def size(self) -> int:
        """How many numbers the tensor holds."""
        return math.prod(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether its numbers are floating point."""
        return self.dtype.startswith(("F", "BF"))


@dataclass(frozen=True)
class Window:
    """Geometry of a convolution or pooling: (height, width) pairs; padding is (top, bottom, left, right).

    `same` stands for a padding that is not known before the graph was measured; layer tables never have it.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    same: bool = False


@dataclass(frozen=True)
class Operation:
    """One operator of the evaluation graph in words both frameworks share.

    `inputs` name earlier operations, tensors, or `INPUT`. `shape` is None until the graph was measured.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    window: Window | None = None
    groups: int = 1
    label: str = ""
    shape: Shape | None = None


INPUT = "input"
"""The name under which operations refer to the model's input."""


@dataclass(frozen=True)
class ModelGraph:
    """An audited model: what is graded. `updated` names the tensors that the training graph writes (statistics);
    `literals` counts the numbers to compute with that stand in the graph itself."""

    framework: Framework
    input_shape: Shape
    tensors: tuple[Tensor, ...]
    operations: tuple[Operation, ...]
    output: str
    fingerprint: str
    updated: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    literals: int = 0

    def with_shapes(self, shapes: dict[str, Shape]) -> ModelGraph:
        """The same graph with each operation's measured output shape (without batch)."""
        measured = tuple(replace(op, shape=shapes.get(op.name)) for op in self.operations)
        return replace(self, operations=measured)


@dataclass(frozen=True)
class Artifact:
    """What a build returns: plain data. `weights` holds one safetensors blob for each seed asked for; `statement` is
    what the file says in PARAMETERS, empty where it says nothing; `notes` are to be told of how the source was read."""

    framework: Framework
    graph: bytes
    labels: bytes
    weights: tuple[bytes, ...]
    entry: str
    statement: bytes = b""
    notes: tuple[str, ...] = ()

    def of_seed(self, seed: int) -> Artifact:
        """The same artifact with the weights of one seed alone."""
        return replace(self, weights=(self.weights[seed],))

    def weight_digests(self) -> tuple[str, ...]:
        """SHA-256 of the initial weights of each seed."""
        return tuple(hashlib.sha256(blob).hexdigest() for blob in self.weights)


@dataclass(frozen=True)
class Layer:
    """One row of the layer table: an operation that has parameters or changes the shape."""

    kind: str
    input_shape: Shape
    output_shape: Shape
    label: str = ""
    window: Window | None = None
    bias: bool = False
    groups: int = 1
    parameters: int = 0
    frozen: int = 0
    constants: int = 0
    macs: int = 0
    formula: str = ""
    tensors: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Every number the layer computes with: trained, frozen and constant."""
        return self.parameters + self.frozen + self.constants


@dataclass(frozen=True)
class LayerTable:
    """The layers of a model in execution order, the tensors that no operation uses, and the numbers `beside` them:
    constants that only the training graph reads, and many literals."""

    layers: tuple[Layer, ...]
    unused: tuple[Tensor, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    output_kind: OutputKind = OutputKind.LOGITS
    softmax_count: int = 0
    output_shape: Shape = ()
    beside: tuple[Tensor, ...] = ()

    @property
    def parameters(self) -> int:
        """Trained and frozen parameters that the graph uses, as the frameworks count them."""
        return sum(layer.parameters + layer.frozen for layer in self.layers)

    @property
    def constants(self) -> int:
        """Numbers held outside of the parameters."""
        return sum(layer.constants for layer in self.layers) + sum(t.size for t in self.beside)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass of one image."""
        return sum(layer.macs for layer in self.layers)


@dataclass(frozen=True)
class Statement:
    """A submission's own PARAMETERS, audited. An entry has a name and a whole number, or what stands in its place in
    words; `problem` says what is wrong with all of it, such as `a list`, and then there are no entries."""

    entries: tuple[tuple[str, int | str], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Claim:
    """What a student says about the parameters of one layer, or of all, beside what is right.

    `claimed` is None where no whole number was stated, `right` where there is no such layer. `formula` spells the
    right number out; `reason` says why somebody may have thought otherwise, where that can be told. `covers` are
    the positions of the layers it is about, none for a claim about all of them.
    """

    name: str
    claimed: int | None
    right: int | None
    formula: str = ""
    reason: str = ""
    covers: tuple[int, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether the stated number is the one that the model has."""
        return self.claimed is not None and self.claimed == self.right


@dataclass(frozen=True)
class Verdict:
    """Everything `check` knows about a submission: the recomputed table and each check's outcome."""

    submission: str
    framework: Framework | None
    checks: tuple[Check, ...]
    entry: str = ""
    input_form: str = ""
    output_kind: OutputKind | None = None
    fingerprint: str = ""
    weight_digests: tuple[str, ...] = ()
    layers: tuple[Layer, ...] = ()
    parameters: int | None = None
    macs: int | None = None
    matches_reference: bool = False
    claims: tuple[Claim, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """`errored` if any check errored, else `failed` if any failed, else `passed`."""
        outcomes = {check.outcome for check in self.checks}
        for outcome in (Outcome.ERRORED, Outcome.FAILED):
            if outcome in outcomes:
                return outcome
        return Outcome.PASSED


@dataclass(frozen=True)
class Curve:
    """A learning curve: one value for each epoch, on training batches and on held-out images.

    `train_accuracy` is that on a sample of the training images after the epoch; it is empty where looking could change
    the model, and for runs that are older than it.
    """

    train_loss: tuple[float, ...] = ()
    validation_loss: tuple[float, ...] = ()
    validation_accuracy: tuple[float, ...] = ()
    train_accuracy: tuple[float, ...] = ()


@dataclass(frozen=True)
class Observations:
    """What a trainer noticed about its model, as facts; whether that is a finding is decided when a board is made.

    `untrained_accuracy` is that on the held-out images before the first step. `unmoved` has the size of each trainable
    tensor in which training did not change a bit. Of `batch_images` images, the probabilities of `batch_dependent`
    changed with the other images of the batch, and so did the class of `reclassified`. A run that ended early has
    only what was looked at until then.
    """

    untrained_accuracy: float | None = None
    unmoved: dict[str, int] = field(default_factory=dict)
    batch_images: int = 0
    batch_dependent: int = 0
    reclassified: int = 0


@dataclass(frozen=True)
class RunResult:
    """How one training run (one graph, one seed) ended. `predictions` is one byte, the class, for each test image.

    `log_probabilities` of each class for each test image (float32) come from the trainer and are not kept: `test_loss`
    is what the controller makes of them, the mean negative log-likelihood of the right class. It is None where the run
    did not get so far, or is older than this figure. `weights` are the trained ones as safetensors, where they were
    asked for; they are no part of what is stored.
    """

    key: str
    seed: int
    status: RunStatus
    reason: str = ""
    predictions: bytes = b""
    curve: Curve = field(default_factory=Curve)
    seconds: float = 0.0
    peak_memory: int = 0
    environment: dict[str, Any] = field(default_factory=dict)
    observations: Observations = field(default_factory=Observations)
    test_loss: float | None = None
    log_probabilities: bytes = field(default=b"", repr=False)
    weights: bytes = field(default=b"", repr=False)
