"""The wording for Keras."""

from __future__ import annotations

from collections.abc import Sequence

from harness.records.framework import Framework

ARGUMENTS = {
    "filters": "filters",
    "units": "units",
    "kernel": "kernel_size",
    "pool": "pool_size",
    "stride": "strides",
    "dilation": "dilation_rate",
    "groups": "groups",
    "bias": "use_bias",
}
FROZEN = "trainable=False"
SOFTMAX_INSIDE = (
    "softmax inside the model: the harness trains it with the loss for probabilities; in your own training do not use "
    "from_logits=True with it"
)
LEAVE_SEEDS = (
    "remove keras.utils.set_random_seed(), seed=... and any stored weights from the file: the harness sets every seed "
    "itself"
)
LET_GRADIENT_THROUGH = "let the gradient through: remove stop_gradient from the model, and unused layers"
COMPUTE_ALONE = (
    "compute each image independently: no mean, softmax or sort over axis 0, and no BatchNormalization called "
    "with training=True"
)
FLATTEN = "layers.Flatten()"
_POOLS = {"max": "layers.MaxPooling2D", "average": "layers.AveragePooling2D"}
_INPUT = f"layers.Input({Framework.TENSORFLOW.facts.image_shape})"


def padding(pixels: int) -> str:
    """`padding="same"`, or `padding="valid"` for none."""
    return 'padding="same"' if pixels else 'padding="valid"'


def convolution(inputs: int, filters: int, kernel: int, padding: str = "", activation: str = "") -> list[str]:  # noqa: ARG001
    """`layers.Conv2D(6, 5, padding="same", activation="relu")`: Keras infers the number of inputs."""
    settings = [str(filters), str(kernel), *([padding] if padding else []), *_activation(activation)]
    return [f"layers.Conv2D({', '.join(settings)})"]


def pooling(kind: str, size: int) -> str:
    """`layers.MaxPooling2D(2)`."""
    return f"{_POOLS[kind]}({size})"


def dense(inputs: int, units: int, activation: str = "") -> list[str]:  # noqa: ARG001
    """`layers.Dense(120, activation="relu")`."""
    return [f"layers.Dense({', '.join([str(units), *_activation(activation)])})"]


def _activation(name: str) -> list[str]:
    return [f'activation="{name}"'] if name else []


def model(lines: Sequence[str]) -> str:
    """A file with a `keras.Sequential`."""
    body = "".join(f"            {line},\n" for line in (_INPUT, *lines))
    imports = "import keras\nfrom keras import layers\n"
    return f"{imports}\n\ndef build_model():\n    return keras.Sequential(\n        [\n{body}        ]\n    )\n"
