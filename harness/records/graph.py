"""What models are made of: tensors, the geometry of windows, and what outputs are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

Shape = tuple[int, ...]
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
"""Of one number of each data type that a tensor may have."""


class OutputKind(StrEnum):
    """What the ten outputs of a model are, according to its graph; it selects the loss."""

    LOGITS = "logits"
    LOG_PROBABILITIES = "log-probabilities"
    PROBABILITIES = "probabilities"


class TensorKind(StrEnum):
    """How a model holds a tensor. Only a trainable parameter is trained; everything else is still capacity."""

    PARAMETER = "parameter"
    BUFFER = "buffer"
    UNREGISTERED = "unregistered"
    CONSTANT = "constant"


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
    def bits(self) -> int:
        """How much one of them can hold, in bits."""
        return 1 if self.dtype == "BOOL" else 8 * BYTES[self.dtype]

    @property
    def is_float(self) -> bool:
        """Whether its numbers are floating point."""
        return self.dtype.startswith(("F", "BF"))


@dataclass(frozen=True)
class Window:
    """Geometry of a convolution or pooling: (height, width) pairs; padding is (top, bottom, left, right)."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
