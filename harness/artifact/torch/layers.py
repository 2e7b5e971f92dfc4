"""Rules for PyTorch's layers: products, convolutions, pools, normalizations, attention and samplers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from harness.artifact.torch.normalizing import NORMALIZING
from harness.artifact.torch.rules import Function, rules
from harness.artifact.torch.writer import Number, Writer, whole, with_axis
from harness.language.graph import Value
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension


def _each(numbers: Sequence[Any], axes: int) -> tuple[int, ...]:
    """A setting of a window for each axis: given once, or for each."""
    if len(numbers) not in (1, axes):
        raise invalid(f"a window of {axes} axes", str(len(numbers)))
    return tuple(whole(numbers[k % len(numbers)], "a window") for k in range(axes))


def _both(numbers: Sequence[Any], axes: int) -> tuple[tuple[int, int], ...]:
    return tuple((number, number) for number in _each(numbers, axes))


def product(w: Writer, a: Value, b: Value, bias: Value | None = None) -> Value:
    """A product of two matrices. One of fixed numbers with images is turned around, for images to be in rows."""
    if a.rank != 2 or b.rank != 2:
        raise invalid("matrices", f"{a.rank} and {b.rank} axes")
    if w.builder.is_fixed(a) and not w.builder.is_fixed(b):
        turned = product(w, _turned(w, b), _turned(w, a))
        return _plus(w, _turned(w, turned), bias)
    if bias is not None and bias.shape != b.shape[1:]:
        return _plus(w, product(w, a, b), bias)
    node = w.builder.made_by(b, "Transpose")
    matrix = b if node is None else w.builder.input(node)
    return w.emit("Gemm", a, matrix, *([] if bias is None else [bias]), transB=node is not None)


def _turned(w: Writer, matrix: Value) -> Value:
    return w.emit("Transpose", matrix, perm=(1, 0))


def _plus(w: Writer, value: Value, bias: Value | None) -> Value:
    return value if bias is None else w.emit("Add", value, bias)


def _addmm(w: Writer, bias: Value, a: Value, b: Value, beta: Number, alpha: Number) -> Value:
    if (beta, alpha) == (1, 1):
        return product(w, a, b, bias)
    return w.binary("Add", w.scaled(bias, beta), w.scaled(product(w, a, b), alpha))


def _bmm(w: Writer, a: Value, b: Value) -> Value:
    if a.rank != 3 or b.rank != 3 or a.shape[0] != b.shape[0]:
        raise invalid("two batches of matrices", f"{a.rank} and {b.rank} axes")
    return w.emit("MatMul", a, b)


def _baddbmm(w: Writer, bias: Value, a: Value, b: Value, beta: Number, alpha: Number) -> Value:
    return w.binary("Add", w.scaled(bias, beta), w.scaled(_bmm(w, a, b), alpha))


def _mv(w: Writer, matrix: Value, vector: Value) -> Value:
    column = w.emit("Reshape", vector, shape=(*vector.shape, 1))
    return w.emit("Reshape", product(w, matrix, column), shape=matrix.shape[:1])


def _bilinear(w: Writer, a: Value, weight: Value, b: Value, *axes: Sequence[int]) -> Value:
    """Each output is the product of a row of `a`, a matrix and a row of `b`."""
    if list(axes) != [[1, 3], [0], [1, 2], [2, 3]] or (a.rank, weight.rank, b.rank) != (2, 3, 2):
        raise not_supported("such a product of three tensors")
    rows = w.emit("MatMul", w.emit("Reshape", a, shape=(1, *a.shape)), weight)
    products = w.emit("Mul", rows, w.emit("Reshape", b, shape=(1, *b.shape)))
    return _turned(w, w.emit("ReduceSum", products, axes=(2,)))


def _convolution(
    w: Writer,
    x: Value,
    filters: Value,
    bias: Value | None,
    strides: Sequence[Dimension],
    pads: Sequence[Dimension],
    dilations: Sequence[Dimension],
    is_transposed: bool,
    output_padding: Sequence[Dimension],
    groups: Dimension,
) -> Value:
    axes = x.rank - 2
    inputs = [x, filters, *([] if bias is None else [bias])]
    more = _each(output_padding, axes)
    settings: dict[str, Any] = {"strides": _each(strides, axes), "pads": _both(pads, axes)}
    settings |= {"dilations": _each(dilations, axes), "group": whole(groups, "a convolution")}
    if is_transposed:
        return w.emit("ConvTranspose", *inputs, **settings, output_padding=more)
    if any(more):
        raise invalid("an output padding of a transposed convolution", str(more)[:40])
    return w.emit("Conv", *inputs, **settings)


def _as_images(w: Writer, x: Value, axes: int, pooled: Callable[[Value], Value]) -> Value:
    """A pooling of the last axes: where there is no axis of channels, of a single one."""
    if x.rank != axes + 1:
        return pooled(x)
    result = pooled(w.emit("Reshape", x, shape=with_axis(x.shape, 1)))
    return w.emit("Reshape", result, shape=(result.shape[0], *result.shape[2:]))


def _max_pool(
    w: Writer,
    x: Value,
    kernel: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    is_ceil: bool,
) -> tuple[Value, None]:
    settings: dict[str, Any] = {"kernel_shape": _each(kernel, 2), "strides": _each(strides or kernel, 2)}
    settings |= {"pads": _both(pads, 2), "dilations": _each(dilations, 2), "ceil_mode": is_ceil}
    return _as_images(w, x, 2, lambda images: w.emit("MaxPool", images, **settings)), None


def _average_pool(axes: int) -> Function:
    def rule(
        w: Writer,
        x: Value,
        kernel: Sequence[int],
        strides: Sequence[int],
        pads: Sequence[int],
        is_ceil: bool,
        counts_pads: bool,
        divisor: int | None,
    ) -> Value:
        if divisor is not None:
            raise not_supported("a pooling with a divisor of its own")
        settings: dict[str, Any] = {"kernel_shape": _each(kernel, axes), "strides": _each(strides or kernel, axes)}
        settings |= {"pads": _both(pads, axes), "dilations": (1,) * axes, "ceil_mode": is_ceil}
        settings["count_include_pad"] = counts_pads and any(pads)
        return _as_images(w, x, axes, lambda images: w.emit("AveragePool", images, **settings))

    return rule


def _adaptive(w: Writer, operator: str, x: Value, sizes: Sequence[Dimension]) -> Value:
    """Windows of one size where it divides the image, and others where not."""
    windows = _each(sizes, 2)
    image = [whole(size, "an image") for size in x.shape[-2:]]
    if len(image) < 2 or min(windows) < 1:
        raise invalid("images and windows", f"{x.rank} axes")
    if any(size % count for size, count in zip(image, windows, strict=True)):
        return _as_images(w, x, 2, lambda images: w.emit(f"Adaptive{operator}", images, sizes=windows))
    kernel = tuple(size // count for size, count in zip(image, windows, strict=True))
    settings: dict[str, Any] = {"kernel_shape": kernel, "strides": kernel, "pads": ((0, 0),) * 2, "dilations": (1, 1)}
    return _as_images(w, x, 2, lambda images: w.emit(operator, images, **settings))


def _attention(
    w: Writer,
    query: Value,
    key: Value,
    value: Value,
    dropout: float,
    is_causal: bool,
    mask: Value | None,
    scale: float | None,
) -> tuple[Value, None]:
    """softmax(query * key^T * scale + mask) * value, over the last two axes."""
    if dropout != 0:
        raise not_supported("attention with dropout of its own")
    if {value.rank for value in (query, key, value)} != {4} or key.shape[:3] != value.shape[:3]:
        raise invalid("queries, keys and values of the same heads", f"{query.rank} axes")
    if query.shape[:2] != key.shape[:2]:
        raise invalid("queries, keys and values of the same heads", f"{key.rank} axes")
    factor = 1 / math.sqrt(whole(query.shape[-1], "a key") or 1) if scale is None else scale
    scores = w.binary("Mul", w.emit("MatMul", query, w.emit("Transpose", key, perm=(0, 1, 3, 2))), factor)
    if mask is not None:
        scores = w.emit("Add", scores, mask)
    if is_causal:
        scores = _causal(w, scores)
    return w.emit("MatMul", w.emit("Softmax", scores, axis=scores.rank - 1), value), None


def _causal(w: Writer, scores: Value) -> Value:
    """Without what comes after each position."""
    rows, columns = (whole(size, "a sequence") for size in scores.shape[-2:])
    before, now = (w.emit("Range", start=0, limit=limit, delta=1) for limit in (columns, rows))
    is_past = w.emit("LessOrEqual", before, w.emit("Reshape", now, shape=(rows, 1)))
    return w.emit("Where", is_past, scores, w.constant(-math.inf))


def _distance(w: Writer, a: Value, b: Value, order: float = 2.0, _: int | None = None) -> Value:
    """From each row of a to each row of b."""
    if order not in (1, 2) or a.rank < 2 or b.rank < 2:
        raise not_supported(f"a distance of order {order:.6g}")
    rows = w.emit("Reshape", a, shape=with_axis(a.shape, a.rank - 1))
    difference = w.emit("Sub", rows, w.emit("Reshape", b, shape=with_axis(b.shape, b.rank - 2)))
    axes = (difference.rank - 1,)
    if order == 2:
        return w.emit("ReduceL2", difference, axes=axes)
    return w.emit("ReduceSum", w.emit("Abs", difference), axes=axes)


def _affine_grid(w: Writer, theta: Value, sizes: Sequence[Dimension], is_aligned: bool) -> Value:
    return w.emit("AffineGrid", theta, size=sizes, align_corners=is_aligned)


def _grid_sample(w: Writer, x: Value, grid: Value, mode: int, padding: int, is_aligned: bool) -> Value:
    modes, paddings = {0: "bilinear", 1: "nearest"}, {0: "zeros", 1: "border"}
    if mode not in modes or padding not in paddings:
        raise not_supported("such a sampling of images")
    settings = {"mode": modes[mode], "padding_mode": paddings[padding], "align_corners": is_aligned}
    return w.emit("GridSample", x, grid, **settings)


def _resized(w: Writer, x: Value, sizes: Sequence[Dimension], scales: Sequence[float | None], **how: str) -> Value:
    """An image of these sizes; a scale that is given must be theirs, for positions are computed from it."""
    found = _each(sizes, 2)
    if x.rank != 4:
        raise invalid("images", f"{x.rank} axes")
    for size, length, scale in zip(found, x.shape[2:], scales, strict=True):
        if scale is not None and not math.isclose(size, whole(length, "an image") * scale):
            raise not_supported("a scale that does not give a whole size")
    return w.emit("Resize", x, sizes=found, **how)


def _nearest(w: Writer, x: Value, sizes: Sequence[Dimension], *scales: float | None) -> Value:
    return _resized(w, x, sizes, scales, mode="nearest", coordinates="asymmetric")


def _bilinear_size(w: Writer, x: Value, sizes: Sequence[Dimension], is_aligned: bool, *scales: float | None) -> Value:
    how = "align_corners" if is_aligned else "half_pixel"
    return _resized(w, x, sizes, (None, None) if is_aligned else scales, mode="linear", coordinates=how)


def _patches(
    w: Writer,
    x: Value,
    kernel: Sequence[int],
    dilations: Sequence[int],
    pads: Sequence[int],
    strides: Sequence[int],
) -> Value:
    """Columns of the numbers under each window: (N, channels * window, places)."""
    if x.rank != 4:
        raise not_supported("patches of anything but images")
    x = w.emit("Pad", x, pads=((0, 0), (0, 0), *_both(pads, 2)))
    settings = zip(_each(kernel, 2), _each(dilations, 2), _each(strides, 2), strict=True)
    for axis, setting in zip((2, 4), settings, strict=True):
        x = _windows(w, x, axis, *setting)
    images, channels, height, rows, width, columns = x.shape
    x = w.emit("Transpose", x, perm=(0, 1, 2, 4, 3, 5))
    numbers = whole(channels, "channels") * whole(height, "a window") * whole(width, "a window")
    return w.emit("Reshape", x, shape=(images, numbers, whole(rows, "a window") * columns))


def _windows(w: Writer, x: Value, axis: int, width: int, dilation: int, stride: int) -> Value:
    """An axis in two: the position in the window, and the window's."""
    length = whole(x.shape[axis], "an image")
    room = length - dilation * (width - 1) - 1
    if min(width, dilation, stride) < 1 or width > 64 or room < 0:
        raise invalid("a window within the image", f"{width} in {length}")
    starts = (dilation * k for k in range(width))
    rows = [w.emit("Slice", x, axis=axis, start=s, end=s + room + 1, step=stride) for s in starts]
    return w.emit("Concat", *(w.emit("Reshape", r, shape=with_axis(r.shape, axis)) for r in rows), axis=axis)


_POOL = "(Tensor self, int[{0}] kernel_size, int[{0}] stride=[], int[{0}] padding=0, "
_AVERAGE = _POOL + "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None)"
_SCALES = "float? scales_h=None, float? scales_w=None)"

_VALUES: dict[str, Function] = {
    "addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1)": _addmm,
    "mm(Tensor self, Tensor mat2)": product,
    "bmm(Tensor self, Tensor mat2)": _bmm,
    "baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1)": _baddbmm,
    "mv(Tensor self, Tensor vec)": _mv,
    "_trilinear(Tensor i1, Tensor i2, Tensor i3, int[] expand1, int[] expand2, int[] expand3, int[] sumdim, "
    "int unroll_dim=1)": _bilinear,
    "convolution(Tensor input, Tensor weight, Tensor? bias, SymInt[] stride, SymInt[] padding, SymInt[] dilation, "
    "bool transposed, SymInt[] output_padding, SymInt groups)": _convolution,
    f"max_pool2d_with_indices{_POOL.format(2)}int[2] dilation=1, bool ceil_mode=False)": _max_pool,
    f"avg_pool2d{_AVERAGE.format(2)}": _average_pool(2),
    f"avg_pool3d{_AVERAGE.format(3)}": _average_pool(3),
    "_adaptive_avg_pool2d(Tensor self, SymInt[2] output_size)": lambda w, x, s: _adaptive(w, "AveragePool", x, s),
    "adaptive_max_pool2d(Tensor self, int[2] output_size)": lambda w, x, s: (_adaptive(w, "MaxPool", x, s), None),
    "_scaled_dot_product_flash_attention_for_cpu(Tensor query, Tensor key, Tensor value, float dropout_p=0., "
    "bool is_causal=False, *, Tensor? attn_mask=None, float? scale=None)": _attention,
    "_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode)": _distance,
    "_euclidean_dist(Tensor x1, Tensor x2)": _distance,
    "affine_grid_generator(Tensor theta, SymInt[] size, bool align_corners)": _affine_grid,
    "grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners)": (
        _grid_sample
    ),
    f"upsample_nearest2d(Tensor self, SymInt[2] output_size, {_SCALES}": _nearest,
    f"upsample_bilinear2d(Tensor self, SymInt[2] output_size, bool align_corners, {_SCALES}": _bilinear_size,
    "im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride)": _patches,
}

RULES = (*rules(_VALUES), *NORMALIZING)
