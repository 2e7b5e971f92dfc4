"""The wording for PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

ARGUMENTS = {
    "filters": "out_channels",
    "units": "out_features",
    "kernel": "kernel_size",
    "pool": "kernel_size",
    "stride": "stride",
    "dilation": "dilation",
    "groups": "groups",
    "bias": "bias",
}
FROZEN = "requires_grad=False"
SOFTMAX_INSIDE = (
    "softmax inside the model: the harness trains it with the loss for probabilities, but nn.CrossEntropyLoss applies "
    "softmax itself: in your own training, return the logits"
)
LEAVE_SEEDS = "remove torch.manual_seed() and any stored weights from the file: the harness sets every seed itself"
LET_GRADIENT_THROUGH = (
    "let the gradient through: remove .detach() and torch.no_grad() from the forward pass, and unused layers"
)
COMPUTE_ALONE = (
    "compute each image independently: no mean, softmax or sort over the first axis, and no BatchNorm with "
    "track_running_stats=False"
)
FLATTEN = "nn.Flatten()"
_ACTIVATIONS = {"relu": "nn.ReLU()", "tanh": "nn.Tanh()", "sigmoid": "nn.Sigmoid()"}
_POOLS = {"max": "nn.MaxPool2d", "average": "nn.AvgPool2d"}


def padding(pixels: int) -> str:
    """`padding=2`."""
    return f"padding={pixels}"


def convolution(inputs: int, filters: int, kernel: int, padding: str = "", activation: str = "") -> list[str]:
    """`nn.Conv2d(1, 6, 5, padding=2)`, and a line for the activation."""
    settings = f", {padding}" if padding else ""
    return _activated(f"nn.Conv2d({inputs}, {filters}, {kernel}{settings})", activation)


def pooling(kind: str, size: int) -> str:
    """`nn.MaxPool2d(2)`."""
    return f"{_POOLS[kind]}({size})"


def dense(inputs: int, units: int, activation: str = "") -> list[str]:
    """`nn.Linear(400, 120)`, and a line for the activation."""
    return _activated(f"nn.Linear({inputs}, {units})", activation)


def _activated(line: str, activation: str) -> list[str]:
    return [line, _ACTIVATIONS[activation]] if activation else [line]


def model(lines: Sequence[str]) -> str:
    """A file with an `nn.Sequential`."""
    body = "".join(f"        {line},\n" for line in lines)
    return f"from torch import nn\n\n\ndef build_model():\n    return nn.Sequential(\n{body}    )\n"
