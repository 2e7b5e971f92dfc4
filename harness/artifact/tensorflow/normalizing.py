"""Rules for normalizations, which Keras mostly writes with several operators.

These patterns are looked for at their last operator, in raw operators. What does not fit is translated operator by
operator, which computes the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.artifact.tensorflow.layout import FORMATS, as_before, channels_first
from harness.artifact.tensorflow.making import Item, Making, Nowhere, shortest
from harness.artifact.tensorflow.match import Found, Pattern, match, number_of, stripped
from harness.artifact.tensorflow.raw import Argument, Reference, Result
from harness.artifact.tensorflow.rules import Attribute, Only, rule
from harness.artifact.tensorflow.static import Static
from harness.language.attributes import Choice, Flag, Real, Whole
from harness.language.graph import Kind, Value
from harness.language.sizes import Dimension, Dimensions, Size

_PRODUCT: Pattern = ("Mul", "x", "inverse")
_SHIFTS: tuple[Pattern, ...] = (
    ("Sub", "beta", ("Mul", "mean", "inverse")),
    ("AddV2", ("Mul", ("Neg", "mean"), "inverse"), "beta"),
    ("Mul", ("Neg", "mean"), "inverse"),
)
_NORMALIZED: tuple[Pattern, ...] = tuple(("AddV2", _PRODUCT, shift) for shift in _SHIFTS)
"""How `tf.nn.batch_normalization` and Keras's own layers end; beta may be missing."""
_INVERSE: Pattern = ("Rsqrt", ("AddV2", "variance", "epsilon#"))
_SCALES: tuple[Pattern, ...] = (("Mul", _INVERSE, "gamma"), _INVERSE)
_SQUARES: tuple[Pattern, ...] = (
    ("SquaredDifference", "x", ("StopGradient", "mean")),
    ("SquaredDifference", "x", "mean"),
)


def _found(making: Making, reference: Argument, patterns: Sequence[Pattern]) -> Found | None:
    ways = (match(making.raw, reference, pattern) for pattern in patterns)
    return next((way for way in ways if way is not None), None)


def normalization(making: Making) -> Value | None:
    """The normalization that the node at hand is the last step of."""
    found = _found(making, Result(making.index), _NORMALIZED)
    scale = _found(making, found["inverse"], _SCALES) if found else None
    if found is None or scale is None:
        return None
    x = making.value(making.item(found["x"]))
    epsilon = shortest(number_of(scale["epsilon#"]) or 0.0)
    if not 0 <= epsilon <= 1 or not 2 <= x.rank <= 5:
        return None
    layer = _Layer(making, x, scale.get("gamma"), found.get("beta"), epsilon)
    axes = _axes_of_moments(making, found, scale["variance"])
    if not axes:
        return layer.of_given(found["mean"], scale["variance"])
    if 0 in axes and len(axes) == x.rank - 1:
        (channels,) = {*range(x.rank)} - {*axes}
        return layer.of_batch(channels, found["mean"], scale["variance"])
    if axes == list(range(axes[0], x.rank)) and axes[0] > 0:
        return layer.of_last(axes[0])
    return layer.of_groups(axes, found["x"])


def _axes_of_moments(making: Making, found: Found, variance: Reference) -> list[int]:
    """The axes of x over which `mean` is its mean, and `variance` the mean of its squared distance to that; none where
    they are something else."""
    raw, mean, x = making.raw, stripped(making.raw, found["mean"]), found["x"]
    first, second = raw.made_by(mean, "Mean"), raw.made_by(stripped(raw, variance), "Mean")
    if first is None or second is None or len(first.arguments) != 2 or first.arguments[0] != x:
        return []
    square = _found(making, second.arguments[0], _SQUARES)
    axes = [_axes(making, node.arguments[1], x) for node in (first, second)]
    if square is None or square["x"] != x or square["mean"] != mean or axes[0] != axes[1]:
        return []
    return axes[0]


def _axes(making: Making, argument: Argument, x: Reference) -> list[int]:
    rank = making.value(making.item(x)).rank
    item = making.items(argument)
    return sorted(axis % rank for axis in making.wholes(item)) if isinstance(item, Static) else []


class _Layer:
    """A normalization, before it is known over what."""

    def __init__(
        self, making: Making, x: Value, gamma: Reference | None, beta: Reference | None, epsilon: float
    ) -> None:
        self.making, self.x, self.epsilon = making, x, epsilon
        self.gamma, self.beta = (None if r is None else making.value(making.item(r)) for r in (gamma, beta))

    def of_given(self, mean: Reference, variance: Reference) -> Value | None:
        """With a mean and a variance that depend on weights alone."""
        given = [self.making.value(self.making.item(reference)) for reference in (mean, variance)]
        axis = _channels(given[0].shape, self.x.shape)
        if axis is None or not all(self.making.build.is_fixed(value) for value in given):
            return None
        moments = [self._for_each_channel(value, axis, 0) for value in given]
        return self._of_channels("BatchNormalization", axis, moments)

    def of_batch(self, axis: int, mean: Reference, variance: Reference) -> Value | None:
        """With the mean and the variance of the batch, which may be averaged."""
        making = self.making
        if any(self._for_each_channel(value, axis, 0) is None for value in (self.gamma, self.beta)):
            return None
        averages = making.averages.take(stripped(making.raw, mean), stripped(making.raw, variance))
        if averages is None:
            return self._of_channels("BatchNormalization", axis, [], training=True)
        moments: list[Value | None] = [making.tensor(average.tensor) for average in averages]
        momentum = shortest(averages[0].momentum)
        return self._of_channels("BatchNormalization", axis, moments, training=True, momentum=momentum)

    def of_last(self, axis: int) -> Value | None:
        """Over the last axes."""
        shape = self.x.shape[axis:]
        scale, shift = self._over(self.gamma, shape, 1), self._over(self.beta, shape, 0)
        if scale is None or shift is None or any(isinstance(size, Size) for size in shape):
            return None
        return self.making.emit("LayerNormalization", self.x, scale, shift, axis=axis, epsilon=self.epsilon)

    def of_groups(self, axes: list[int], reference: Reference) -> Value | None:
        """Over space and a part of the channels, which Keras makes an axis of its own, the last."""
        rank, shape = self.x.rank, self.x.shape
        node = self.making.raw.made_by(reference, "Reshape")
        if node is None or axes != [*range(1, rank - 2), rank - 1]:
            return None
        groups, size = shape[-2:]
        scale, shift = self._over(self.gamma, shape[-2:], 1), self._over(self.beta, shape[-2:], 0)
        if scale is None or shift is None or not isinstance(groups, int) or not isinstance(size, int):
            return None
        making, channels = self.making, (groups * size,)
        images = making.reshape(self.x, (*shape[:-2], *channels))
        first = making.transpose(images, (0, rank - 2, *range(1, rank - 2)))
        flat = [making.reshape(value, channels) for value in (scale, shift)]
        result = making.emit("GroupNormalization", first, *flat, num_groups=groups, epsilon=self.epsilon)
        return making.reshape(making.transpose(result, (0, *range(2, rank - 1), 1)), shape)

    def _of_channels(self, operator: str, axis: int, moments: list[Value | None], **attributes: object) -> Value | None:
        """With one number for each channel, the axis of which is `axis`."""
        making, rank = self.making, self.x.rank
        scale, shift = self._for_each_channel(self.gamma, axis, 1), self._for_each_channel(self.beta, axis, 0)
        numbers = [value for value in (scale, shift, *moments) if value is not None]
        if len(numbers) < 2 + len(moments):
            return None
        perm = (0, axis, *(k for k in range(1, rank) if k != axis))
        first = making.transpose(self.x, perm)
        result = making.emit(operator, first, *numbers, epsilon=self.epsilon, **attributes)
        return making.transpose(result, [perm.index(k) for k in range(rank)])

    def _for_each_channel(self, value: Value | None, axis: int, missing: float) -> Value | None:
        """One number for each channel; `missing` for a value that is. None for a value of another shape."""
        size = self.x.shape[axis]
        if value is None:
            return self.making.filled((size,), missing)
        rank = self.x.rank
        aligned = (*[1] * (rank - value.rank), *value.shape)
        if not value.rank or list(aligned) != [size if k == axis else 1 for k in range(rank)]:
            return None
        return self.making.reshape(value, (size,))

    def _over(self, value: Value | None, shape: Dimensions, missing: float) -> Value | None:
        """A number for each position of the last axes."""
        if value is None:
            return self.making.filled(shape, missing)
        ends = [k for k in range(value.rank) if value.shape[k] != 1]
        tail: tuple[Dimension, ...] = value.shape[-len(shape) :]
        if value.kind is not Kind.FLOAT or tail != shape or any(k < value.rank - len(shape) for k in ends):
            return None
        return self.making.reshape(value, shape)


def _channels(shape: Dimensions, images: Dimensions) -> int | None:
    """The axis of images that one number for each channel lies along."""
    first = len(images) - len(shape)
    axes = [first + k for k, size in enumerate(shape) if size != 1] or [len(images) - 1 if len(shape) == 1 else 1]
    return axes[0] if len(axes) == 1 and 0 < axes[0] < len(images) else None


@rule(
    "FusedBatchNormV3",
    "11111",
    epsilon=Attribute(Real(0, 1), 1e-4),
    exponential_avg_factor=Attribute(Only(1.0), 1.0),
    data_format=Attribute(Choice(FORMATS), "NHWC"),
    is_training=Attribute(Flag(), True),
)
def fused_batch_normalization(
    making: Making,
    x: Item,
    scale: Item,
    shift: Item,
    mean: Item,
    variance: Item,
    *,
    epsilon: float,
    exponential_avg_factor: float,
    data_format: str,
    is_training: bool,
) -> tuple[Item, ...]:
    """Batch normalization in one operator. In training it gives the batch's mean and variance, divided by n - 1, which
    may be averaged and nothing else."""
    del exponential_avg_factor
    images, attributes = channels_first(making, x, data_format), {"epsilon": shortest(epsilon)}
    moments: list[Item] = [mean, variance]
    if is_training:
        averages = making.averages.take(Result(making.index, 1), Result(making.index, 2))
        moments = [making.tensor(average.tensor) for average in averages or ()]
        attributes |= {"training": True}
        if averages is not None:
            attributes |= {"momentum": shortest(averages[0].momentum), "unbiased": True}
    result = making.emit("BatchNormalization", images, scale, shift, *moments, **attributes)
    return as_before(making, result, data_format), *[Nowhere("computing with a batch's statistics")] * 5


@rule(
    "LRN",
    "1",
    depth_radius=Attribute(Whole(0, 2047), 5),
    bias=Attribute(Real(-1e6, 1e6), 1.0),
    alpha=Attribute(Real(-1e6, 1e6), 1.0),
    beta=Attribute(Real(-1e6, 1e6), 0.5),
)
def local_response_normalization(
    making: Making, x: Item, *, depth_radius: int, bias: float, alpha: float, beta: float
) -> Item:
    """Over channels at most `depth_radius` away. The language divides alpha by their number."""
    size = 2 * depth_radius + 1
    settings = {"alpha": shortest(alpha) * size, "beta": shortest(beta), "bias": shortest(bias)}
    images = channels_first(making, x, "NHWC")
    return as_before(making, making.emit("LRN", images, size=size, **settings), "NHWC")
