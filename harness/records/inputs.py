"""The forms of input a model may take, MNIST images brought to that form, and the outputs it must give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.records.graph import Shape

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

DATASETS = ("mnist", "fashion-mnist")
"""The names of the data sets in assignments and studies; each is a module of `harness/datasets/`."""
CLASSES = 10
"""The number of classes: ten outputs for each image."""

INPUT_FORMS: dict[Shape, str] = {
    (1, 28, 28): "28x28, channels first",
    (28, 28, 1): "28x28, channels last",
    (1, 32, 32): "32x32 (MNIST zero-padded by 2), channels first",
    (32, 32, 1): "32x32 (MNIST zero-padded by 2), channels last",
    (28, 28): "28x28, no channel axis",
    (32, 32): "32x32 (MNIST zero-padded by 2), no channel axis",
    (784,): "flat 784",
    (1024,): "flat 1024 (MNIST zero-padded by 2 to 32x32)",
}
"""Every input shape (without batch) that the harness tries, in its order of trying, and its display name."""

OUTPUTS = "outputs"
"""The check of a model that returns something else for another batch size."""
OUTPUTS_EXPECTED = f"{CLASSES} outputs for each image, for any batch size"
OUTPUTS_ADVICE = "make every size in the forward pass independent of the number of images"
FORWARD_EXPECTED = "outputs of shape (batch, 10) for images of 28x28 or 32x32, channels first or last, or flat"


def input_shape(form: str) -> Shape:
    """The shape of an input form by its display name."""
    return next(shape for shape, name in INPUT_FORMS.items() if name == form)


def border(shape: Shape) -> int:
    """Zero pixels the harness adds on each side of a 28x28 image for a model of this input shape."""
    return 2 if 32 in shape or shape == (1024,) else 0


def arrange(images: npt.NDArray[np.uint8], shape: Shape) -> npt.NDArray[np.uint8]:
    """Images (count, 28, 28) as uint8 of shape (count, *shape), zero-padded to 32x32 where the shape asks for it."""
    import numpy as np  # only here: students wait for `check`

    pad = border(shape)
    if pad:
        images = np.pad(images, ((0, 0), (pad, pad), (pad, pad)))
    return np.ascontiguousarray(images.reshape(len(images), *shape))
