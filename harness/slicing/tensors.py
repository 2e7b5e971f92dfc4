"""Functions of TensorFlow that a program calls on data or between layers, and their stand-in names."""

from __future__ import annotations

import re

MNIST = "mnist_known_by_its_shapes"
ONE_HOT = "labels_known_by_their_shapes"
ON_SHAPES = "on_known_shapes"
ON_TENSORS = "as_a_layer"
"""The names under which a program finds a data set that has shapes and no numbers, its labels as one-hot rows,
TensorFlow's functions on both, and its functions between the layers of a graph."""
_WORDS = "pad expand_dims reshape cast constant convert_to_tensor image.resize"
COMPUTES = re.compile(
    r"(?:tensorflow|tf)\.(?:(?:nn|math|image|linalg|signal|sparse|compat\.v1\.nn)\.\w+|reduce_\w+|reshape|expand_dims|squeeze"
    r"|concat|transpose|cast|add|add_n|multiply|subtract|divide|identity|sigmoid|tanh|pad|stack|unstack|split|abs|square|sqrt"
    r"|exp|pow|maximum|minimum|matmul|tile|gather|einsum|tensordot|clip_by_value|where|shape|ones_like|zeros_like|slice"
    r"|strided_slice|repeat|roll|reverse|negative|sign|round|floor|space_to_depth|depth_to_space)$"
)
"""Functions of TensorFlow that Keras 2 made layers of, where they stood between layers."""
RESHAPES = {f"{root}.{word}" for root in ("tensorflow", "tf") for word in _WORDS.split()}
"""Functions called on arrays of which only the shape is known."""
