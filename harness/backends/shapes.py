"""MNIST for programs that only need shapes: arrays with sizes but no contents.

Some files take the input shape from the data, `x_train.shape[1:]`, or count the classes, `len(np.unique(y_train))`.
Both are known for MNIST. Anything that needs a pixel raises: a made-up one would lead to a different model.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from harness.records.errors import SubmissionError
from harness.records.graph import Shape
from harness.records.inputs import CLASSES

TRAIN, TEST = 60_000, 10_000
_ELEMENTWISE = {np.divide, np.true_divide, np.multiply, np.subtract, np.add, np.rint, np.floor_divide}


class Shaped:
    """An array of which only the shape and the number of different values are known."""

    def __init__(self, shape: Shape, classes: int | None = None) -> None:
        self.shape = shape
        self._classes = classes

    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: math.prod(self.shape))
    T = property(lambda self: Shaped(self.shape[::-1]))

    def __len__(self) -> int:
        return self.shape[0]

    def astype(self, *_: Any, **__: Any) -> Shaped:
        """The same shape."""
        return Shaped(self.shape, self._classes)

    copy = astype

    def reshape(self, *shape: Any, **_: Any) -> Shaped:
        """The same numbers in another shape."""
        wanted = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return Shaped(_empty(self.shape).reshape(tuple(wanted)).shape, self._classes)

    def __getitem__(self, key: Any) -> Shaped:
        return Shaped(_empty(self.shape)[key].shape, self._classes)

    def max(self) -> int:
        """The greatest label; an image's maximum is unknown."""
        return self._known_classes() - 1

    def __iter__(self) -> Any:
        raise _unknown()

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise _unknown()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise _unknown()

    def _same(self, other: Any) -> Shaped:
        shape = other.shape if isinstance(other, Shaped) else np.shape(other)
        return Shaped(np.broadcast_shapes(self.shape, shape))

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __itruediv__ = _same
    __isub__ = __iadd__ = __imul__ = _same

    def _known_classes(self) -> int:
        if self._classes is None:
            raise _unknown()
        return self._classes

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **_: Any) -> Any:
        if method != "__call__" or ufunc not in _ELEMENTWISE:
            raise _unknown()
        return Shaped(
            np.broadcast_shapes(*(item.shape if isinstance(item, Shaped) else np.shape(item) for item in inputs))
        )

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function is np.unique and not kwargs:
            return Shaped((args[0]._known_classes(),), args[0]._classes)
        if function in (np.max, np.amax) and not kwargs and len(args) == 1:
            return args[0].max()
        if function in (np.expand_dims, np.reshape, np.squeeze, np.pad, np.shape, np.ndim, np.size):
            result = function(_empty(args[0].shape), *args[1:], **kwargs)
            return Shaped(result.shape) if isinstance(result, np.ndarray) else result
        raise _unknown()


def to_categorical(labels: Any, num_classes: int | None = None, **_: Any) -> Shaped:
    """One-hot labels by their shape."""
    if not isinstance(labels, Shaped):
        raise _unknown()
    return Shaped((*labels.shape, num_classes or labels._known_classes()))


def on_shapes(function: Any, values: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of TensorFlow on an array of which only the shape is known, or on anything else as it is."""
    if not isinstance(values, Shaped):
        return as_layer(function, values, *args, **kwargs)
    name = function.__name__
    if name in ("pad", "pad_v2"):
        return Shaped(np.pad(_empty(values.shape), args[0] if args else kwargs["paddings"]).shape)
    if name in ("expand_dims", "expand_dims_v2"):
        return Shaped(np.expand_dims(_empty(values.shape), args[0] if args else kwargs["axis"]).shape)
    if name == "reshape":
        return values.reshape(*args[:1], **kwargs)
    if name.startswith(("cast", "constant", "convert_to_tensor")):
        return values.astype()
    if name.startswith("resize"):
        rows, columns = args[0] if args else kwargs["size"]
        return Shaped((*values.shape[:-3], rows, columns, values.shape[-1]))
    raise _unknown()


def as_layer(function: Any, *args: Any, **kwargs: Any) -> Any:
    """A function of TensorFlow between the layers of a graph: a layer, as Keras 2 did automatically."""
    keras: Any = sys.modules["keras"]  # the program that calls this has imported it
    given = keras.tree.flatten((args, kwargs))
    places = [place for place, value in enumerate(given) if isinstance(value, keras.KerasTensor)]
    if not places:
        return function(*args, **kwargs)

    def call(tensors: Any) -> Any:
        leaves = list(given)
        for place, tensor in zip(places, tensors, strict=True):
            leaves[place] = tensor
        new, named = keras.tree.pack_sequence_as((args, kwargs), leaves)
        return function(*new, **named)

    return keras.layers.Lambda(call)([given[place] for place in places])


def load_data(*_: Any, **__: Any) -> tuple[tuple[Shaped, Shaped], tuple[Shaped, Shaped]]:
    """MNIST as `keras.datasets.mnist.load_data()` returns it, without its contents."""
    return _split(TRAIN), _split(TEST)


def _split(images: int) -> tuple[Shaped, Shaped]:
    return Shaped((images, 28, 28)), Shaped((images,), CLASSES)


def _empty(shape: Shape) -> Any:
    """An array of this shape that takes no memory."""
    return np.broadcast_to(np.uint8(0), shape)


def _unknown() -> SubmissionError:
    expected = "a model that is defined without data"
    found = "a model that depends on the values in the data"
    return SubmissionError("model", expected, found, "write the numbers themselves: sizes, shapes, 10 classes")
