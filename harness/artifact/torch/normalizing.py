"""Rules for PyTorch's normalizations, of activations and of weights."""

from __future__ import annotations

from collections.abc import Sequence

from harness.artifact.torch.rules import Function, Takes, rules
from harness.artifact.torch.views import Reference
from harness.artifact.torch.writer import Writer, axis_of, whole
from harness.language.graph import Value
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension, Dimensions, N, Size

_DIGITS = 12
"""1 - 0.9 is 0.1 to this many digits."""


def _ones(w: Writer, given: Value | None, shape: Sequence[Dimension]) -> Value:
    return w.filled(shape, 1.0) if given is None else given


def _zeros(w: Writer, given: Value | None, shape: Sequence[Dimension]) -> Value:
    return w.filled(shape, 0.0) if given is None else given


def _batch_norm(
    w: Writer,
    x: Reference,
    weight: Reference | None,
    bias: Reference | None,
    mean: Reference | None,
    variance: Reference | None,
    is_training: bool,
    momentum: float,
    epsilon: float,
) -> tuple[Value, None, None]:
    """Of the batch's own statistics in training, which `mean` and `variance` then follow, and else of those."""
    value, scale, shift = w.value(x), *(None if r is None else w.value(r) for r in (weight, bias))
    if value.rank < 2 or (mean is None) != (variance is None):
        raise invalid("images with channels, a mean and a variance", f"{value.rank} axes")
    if is_training and mean is None and value.shape[0] == 1 and isinstance(value.shape[1], Size):
        return _instance_norm(w, value, scale, shift, epsilon), None, None
    channels = (whole(value.shape[1], "a batch normalization of channels"),)
    inputs = [value, _ones(w, scale, channels), _zeros(w, shift, channels)]
    if mean is not None and variance is not None:
        statistics = (mean, variance)
        inputs += _updated(*statistics) if is_training else [w.value(r) for r in statistics]
    settings = {"momentum": round(1 - momentum, _DIGITS), "unbiased": True} if is_training and mean is not None else {}
    return w.emit("BatchNormalization", *inputs, epsilon=epsilon, training=is_training, **settings), None, None


def _updated(*statistics: Reference) -> list[Value]:
    """Statistics that are updated: two tensors of the model itself that nothing else writes to."""
    tensors = [reference.storage.tensor for reference in statistics]
    are_whole = all(reference.view.parent is None for reference in statistics)
    if not are_whole or any(t is None or t.trainable or t.dtype != "F32" for t in tensors) or tensors[0] == tensors[1]:
        raise not_supported("statistics of a batch that are kept anywhere but in two tensors of the model")
    for reference in statistics:
        reference.storage.is_updated = True
    return [reference.view.value for reference in statistics]


def _instance_norm(w: Writer, x: Value, scale: Value | None, shift: Value | None, epsilon: float) -> Value:
    """PyTorch writes it as the batch normalization of one image that has the channels of all."""
    channels = _channels_of_each(x.shape[1])
    images = w.emit("Reshape", x, shape=(N, channels, *x.shape[2:]))
    shared = [None if given is None else _shared(w, given, channels) for given in (scale, shift)]
    is_shared = all(found is not None or given is None for found, given in zip(shared, (scale, shift), strict=True))
    used = shared if is_shared else [None, None]
    fitting = [_ones(w, used[0], [channels]), _zeros(w, used[1], [channels])]
    result = w.emit("GroupNormalization", images, *fitting, num_groups=channels, epsilon=epsilon)
    result = w.emit("Reshape", result, shape=x.shape)
    return result if is_shared else _affine(w, result, scale, shift)


def _channels_of_each(size: Dimension) -> int:
    if not isinstance(size, Size) or size.more:
        raise not_supported("an instance normalization of other than all images")
    return size.images


def _shared(w: Writer, repeated: Value, channels: int) -> Value | None:
    """The numbers for each channel that were repeated for each image; None if they were not."""
    rows = w.builder.made_by(repeated, "Reshape")
    expanded = None if rows is None else w.builder.made_by(w.builder.input(rows), "Expand")
    if expanded is None or w.builder.values[expanded.name].shape != (N, channels):
        return None
    source = w.builder.input(expanded)
    return w.emit("Reshape", source, shape=(channels,)) if source.shape in ((1, channels), (channels,)) else None


def _affine(w: Writer, x: Value, scale: Value | None, shift: Value | None) -> Value:
    ones = (1,) * (x.rank - 2)
    for operator, given in (("Mul", scale), ("Add", shift)):
        if given is not None:
            x = w.emit(operator, x, w.emit("Reshape", given, shape=(*given.shape, *ones)))
    return x


def _normalized(x: Value, sizes: Sequence[Dimension]) -> tuple[int, Dimensions]:
    """The first of the normalized axes, and their shape."""
    first = x.rank - len(sizes)
    if first < 0 or not sizes or x.shape[first:] != tuple(sizes):
        raise invalid("a normalization of the last axes", f"{len(sizes)} of {x.rank} axes")
    return first, x.shape[first:]


def _layer_norm(
    w: Writer, x: Value, sizes: Sequence[Dimension], scale: Value | None, bias: Value | None, epsilon: float
) -> tuple[Value, None, None]:
    axis, shape = _normalized(x, sizes)
    inputs = [x, _ones(w, scale, shape), *([] if bias is None else [bias])]
    return w.emit("LayerNormalization", *inputs, axis=axis, epsilon=epsilon), None, None


def _group_norm(
    w: Writer,
    x: Value,
    scale: Value | None,
    shift: Value | None,
    images: Dimension,
    channels: Dimension,
    _: Dimension,
    groups: int,
    epsilon: float,
) -> tuple[Value, None, None]:
    if x.shape[:2] != (images, channels):
        raise invalid("images with these channels", f"{x.rank} axes")
    inputs = [x, _ones(w, scale, [channels]), _zeros(w, shift, [channels])]
    return w.emit("GroupNormalization", *inputs, num_groups=groups, epsilon=epsilon), None, None


def _weight_norm(w: Writer, direction: Value, length: Value, axis: int) -> tuple[Value, None]:
    k = axis_of(axis, direction.rank)
    others = tuple(a for a in range(direction.rank) if a != k)
    norm = w.emit("ReduceL2", direction, axes=others, keepdims=True)
    if length.shape != norm.shape:
        raise invalid("one length for each direction", f"{length.rank} axes")
    return w.emit("Mul", direction, w.emit("Div", length, norm)), None


_VALUES: dict[str, Function] = {
    "native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float eps)": _layer_norm,
    "native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, SymInt C, SymInt HxW, int group, "
    "float eps)": _group_norm,
    "_weight_norm_interface(Tensor v, Tensor g, int dim=0)": _weight_norm,
}

_REFERENCES: dict[str, Function] = {
    "native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, "
    "bool training, float momentum, float eps)": _batch_norm,
}

NORMALIZING = (*rules(_VALUES), *rules(_REFERENCES, Takes.REFERENCES))
