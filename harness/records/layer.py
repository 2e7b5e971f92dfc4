"""The layer table."""

from __future__ import annotations

from dataclasses import dataclass

from harness.records.graph import OutputKind, Shape, Tensor, Window


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
    """The layers of a model in execution order, the tensors that nothing uses, the trainable ones that only training
    uses, and the numbers `beside` all of them: constants that only training uses, and numbers in the graph itself.
    `statistics` are the tensors that hold means and variances, which are no constants."""

    layers: tuple[Layer, ...]
    unused: tuple[Tensor, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    output_kind: OutputKind = OutputKind.LOGITS
    softmax_count: int = 0
    output_shape: Shape = ()
    beside: tuple[Tensor, ...] = ()
    training_only: tuple[Tensor, ...] = ()
    statistics: frozenset[str] = frozenset()

    @property
    def parameters(self) -> int:
        """Trained and frozen parameters that either graph uses, as the frameworks count them."""
        layers = sum(layer.parameters + layer.frozen for layer in self.layers)
        return layers + sum(t.size for t in self.training_only)

    @property
    def constants(self) -> int:
        """Numbers held outside the parameters."""
        return sum(layer.constants for layer in self.layers) + sum(t.size for t in self.beside)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass for one image."""
        return sum(layer.macs for layer in self.layers)
