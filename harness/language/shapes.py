"""The shape of each operator's result, with the number of images as a symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension, Dimensions, Size, broadcast, is_in_every_batch, product, shown_shape

Shapes = Sequence[Dimensions]
Attributes = Mapping[str, Any]


def same(shapes: Shapes, _: Attributes) -> Dimensions:
    """That of the first input."""
    return shapes[0]


def stretched(shapes: Shapes, _: Attributes) -> Dimensions:
    """The common shape of all inputs."""
    return broadcast(shapes)


def given(_: Shapes, attributes: Attributes) -> Dimensions:
    """The attribute `shape`."""
    shape: Dimensions = attributes["shape"]
    return shape


def reshape(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """The attribute `shape`, which must hold as many numbers."""
    if product(shapes[0]) != product(attributes["shape"]):
        raise invalid("a shape of as many numbers", f"{shown_shape(shapes[0])} as {shown_shape(attributes['shape'])}")
    return given(shapes, attributes)


def transpose(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """The axes in the order of `perm`."""
    if sorted(attributes["perm"]) != list(range(len(shapes[0]))):
        raise invalid(f"an order of {len(shapes[0])} axes", str(attributes["perm"]))
    return tuple(shapes[0][axis] for axis in attributes["perm"])


def expand(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """The common shape of the input and the attribute `shape`."""
    return broadcast([shapes[0], attributes["shape"]])


def concat(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """The sum of the sizes along `axis`; all others are equal."""
    axis = _axis(shapes[0], attributes["axis"])
    others = [(*shape[:axis], *shape[axis + 1 :]) for shape in shapes]
    if any(len(shape) != len(shapes[0]) for shape in shapes) or any(other != others[0] for other in others):
        raise invalid("inputs that differ along one axis only", ", ".join(map(shown_shape, shapes))[:80])
    total: Dimension = 0
    for shape in shapes:
        total = total + shape[axis]
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])


def slice_(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """From `start` to `end` in steps of `step`; with a step of -1 the whole axis, reversed."""
    axis, start, end, step = (attributes[name] for name in ("axis", "start", "end", "step"))
    whole = shapes[0][_axis(shapes[0], axis)]
    if step == 0:
        raise invalid("a step other than 0", "0")
    if any(isinstance(bound, Size) for bound in (whole, start, end)):
        length = _slice_in_n(whole, start, end, step)
    elif not 0 <= start <= end <= whole:
        raise invalid(f"a slice within {whole}", f"{start} to {end}")
    elif step < 0 and (start, end) != (0, whole):
        raise invalid("a reversed slice of the whole axis", f"{start} to {end} of {whole}")
    else:
        length = -(-(end - start) // abs(step))
    return (*shapes[0][:axis], length, *shapes[0][axis + 1 :])


def _slice_in_n(whole: Dimension, start: Dimension, end: Dimension, step: int) -> Dimension:
    if (start, end) == (0, whole) and step in (1, -1):
        return whole
    if step != 1:
        raise not_supported("a slice of the batch with a step")
    if not all(is_in_every_batch(size) for size in (start, end - start, whole - end)):
        raise not_supported(f"a slice of {whole} from {start} to {end}, which not every batch has")
    return end - start


def gather(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """The indices' shape in place of `axis`."""
    axis = _axis(shapes[0], attributes["axis"])
    return (*shapes[0][:axis], *shapes[1], *shapes[0][axis + 1 :])


def pad(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """Each axis longer by its two pads; a reflection is at most one shorter than the axis."""
    pads = attributes["pads"]
    if len(pads) != len(shapes[0]):
        raise invalid(f"pads of {len(shapes[0])} axes", str(len(pads)))
    if attributes["mode"] != "constant":
        for dimension, (before, after) in zip(shapes[0], pads, strict=True):
            if max(before, after) and (isinstance(dimension, Size) or max(before, after) >= dimension):
                raise invalid("a reflection within the image", f"{before} and {after} of {dimension}")
    return tuple(dimension + before + after for dimension, (before, after) in zip(shapes[0], pads, strict=True))


def tile(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """Each axis as often as `repeats` says."""
    if len(attributes["repeats"]) != len(shapes[0]):
        raise invalid(f"{len(shapes[0])} repeats", str(len(attributes["repeats"])))
    return tuple(dimension * times for dimension, times in zip(shapes[0], attributes["repeats"], strict=True))


def range_(_: Shapes, attributes: Attributes) -> Dimensions:
    """How many numbers lie from `start` up to `limit`, without it."""
    if attributes["delta"] == 0:
        raise invalid("a step other than 0", "0")
    return (len(range(attributes["start"], attributes["limit"], attributes["delta"])),)


def reduce(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """Without `axes`, or with 1 in their place."""
    axes = {_axis(shapes[0], axis) for axis in attributes["axes"]}
    if not axes or len(axes) != len(attributes["axes"]):
        raise invalid("at least one axis, each once", str(attributes["axes"]))
    kept = attributes["keepdims"]
    return tuple(1 if k in axes else size for k, size in enumerate(shapes[0]) if kept or k not in axes)


def along_axis(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """That of the input, which has the axis."""
    _axis(shapes[0], attributes["axis"])
    return shapes[0]


def gemm(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """(rows of A, columns of B)."""
    (rows, inner), matrix = shapes[0], shapes[1]
    outer, columns = reversed(matrix) if attributes["transB"] else matrix
    if inner != outer or (len(shapes) > 2 and shapes[2] != (columns,)):
        raise invalid("matrices that can be multiplied", ", ".join(map(shown_shape, shapes)))
    return (rows, columns)


def matmul(shapes: Shapes, _: Attributes) -> Dimensions:
    """(..., rows of A, columns of B); leading axes broadcast."""
    a, b = shapes
    if a[-1] != b[-2]:
        raise invalid("matrices that can be multiplied", f"{shown_shape(a)} and {shown_shape(b)}")
    return (*broadcast([a[:-2], b[:-2]]), a[-2], b[-1])


def conv(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """(N, filters, sizes); a size is floor((size + pads - dilation * (kernel - 1) - 1) / stride) + 1."""
    images, kernel = shapes[0], shapes[1]
    group = attributes["group"]
    _check_window(images, kernel[2:], attributes, ("strides", "pads", "dilations"))
    if len(kernel) != len(images) or images[1] != kernel[1] * group or not _divides(group, kernel[0]):
        raise invalid("filters for these channels", f"{shown_shape(images)} and {shown_shape(kernel)}")
    _check_bias(shapes, kernel[0])
    return (images[0], kernel[0], *_windows(images, kernel[2:], attributes, attributes["dilations"]))


def conv_transpose(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """(N, filters, sizes); a size is (size - 1) * stride - pads + dilation * (kernel - 1) + output padding + 1."""
    images, kernel, group = shapes[0], shapes[1], attributes["group"]
    _check_window(images, kernel[2:], attributes, ("strides", "pads", "dilations", "output_padding"))
    if len(kernel) != len(images) or images[1] != kernel[0] or not _divides(group, kernel[0]):
        raise invalid("filters for these channels", f"{shown_shape(images)} and {shown_shape(kernel)}")
    filters = kernel[1] * group
    _check_bias(shapes, filters)
    settings = (attributes[name] for name in ("strides", "pads", "dilations", "output_padding"))
    sizes: list[Dimension] = []
    for length, width, stride, pads, dilation, extra in zip(images[2:], kernel[2:], *settings, strict=True):
        whole = (_number(length) - 1) * stride + dilation * (_number(width) - 1) + 1
        if extra >= max(stride, dilation) or whole + extra - sum(pads) < 1:
            raise invalid("an output padding below the stride", str(extra))
        sizes.append(whole + extra - sum(pads))
    return (images[0], filters, *sizes)


def _check_bias(shapes: Shapes, filters: Dimension) -> None:
    if len(shapes) > 2 and shapes[2] != (filters,):
        raise invalid(f"a bias of {filters}", shown_shape(shapes[2]))


def pool(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """As of a convolution with one filter for each channel; with `ceil_mode` rounded up, where the last window then
    starts inside the image or the padding before it."""
    kernel = attributes["kernel_shape"]
    _check_window(shapes[0], kernel, attributes, ("kernel_shape", "strides", "pads", "dilations"))
    for width, pads in zip(kernel, attributes["pads"], strict=True):
        if max(pads) >= width:
            raise invalid("pads smaller than the window", f"{max(pads)} for {width}")
    return (*shapes[0][:2], *_windows(shapes[0], kernel, attributes, attributes["dilations"]))


def adaptive_pool(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """(N, channels, `sizes`)."""
    sizes = attributes["sizes"]
    if len(sizes) != len(shapes[0]) - 2:
        raise invalid(f"{len(shapes[0]) - 2} sizes", str(len(sizes)))
    for size, length in zip(sizes, shapes[0][2:], strict=True):
        if size > _number(length):
            raise invalid(f"at most {length} windows", str(size))
    return (*shapes[0][:2], *sizes)


def _check_window(images: Dimensions, kernel: Dimensions, attributes: Attributes, names: Sequence[str]) -> None:
    """Every setting of a window has one entry for each axis of the image."""
    axes = len(images) - 2
    if axes < 1 or len(kernel) != axes or any(len(attributes[name]) != axes for name in names):
        raise invalid(f"a window of {axes} axes", f"{shown_shape(images)} and {shown_shape(kernel)}")


def _windows(
    images: Dimensions, kernel: Dimensions, attributes: Attributes, dilations: Sequence[int]
) -> tuple[int, ...]:
    settings = (attributes["strides"], attributes["pads"], dilations)
    sizes: list[int] = []
    for length, width, stride, pads, dilation in zip(images[2:], kernel, *settings, strict=True):
        room = _number(length) + sum(pads) - dilation * (_number(width) - 1) - 1
        if room < 0:
            raise invalid("a window within the image", f"{width} in {length}")
        count = room // stride + 1
        if attributes.get("ceil_mode") and room % stride and count * stride < _number(length) + pads[0]:
            count += 1
        sizes.append(count)
    return tuple(sizes)


def batch_normalization(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """That of the input; the others have one number for each channel."""
    if any(shape != shapes[0][1:2] for shape in shapes[1:]):
        raise invalid("one number for each channel", ", ".join(map(shown_shape, shapes)))
    if len(shapes) == 4 or (len(shapes) == 3 and not attributes["training"]):
        raise invalid("a mean and a variance", f"{len(shapes)} inputs")
    return shapes[0]


def layer_normalization(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """That of the input; scale and bias have its shape from `axis` on."""
    axis = _axis(shapes[0], attributes["axis"])
    if any(shape != shapes[0][axis:] for shape in shapes[1:]):
        raise invalid("one number for each normalized position", ", ".join(map(shown_shape, shapes)))
    return shapes[0]


def group_normalization(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """That of the input, whose channels the groups divide; the others have one number for each channel."""
    if any(shape != shapes[0][1:2] for shape in shapes[1:]) or not _divides(attributes["num_groups"], shapes[0][1]):
        raise invalid("groups of equally many channels", ", ".join(map(shown_shape, shapes)))
    return shapes[0]


def lrn(shapes: Shapes, _: Attributes) -> Dimensions:
    """That of the input."""
    if len(shapes[0]) < 2:
        raise invalid("images with channels", shown_shape(shapes[0]))
    return shapes[0]


def grid_sample(shapes: Shapes, _: Attributes) -> Dimensions:
    """(N, channels, height and width of the grid)."""
    images, grid = shapes
    if grid[0] != images[0] or grid[3] != 2:
        raise invalid("a grid (N, height, width, 2)", f"{shown_shape(images)} and {shown_shape(grid)}")
    return (*images[:2], *grid[1:3])


def affine_grid(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """(N, height, width, 2)."""
    size = attributes["size"]
    if len(size) != 4 or shapes[0] != (size[0], 2, 3) or any(isinstance(d, Size) for d in size[1:]):
        raise invalid("a transformation (N, 2, 3) of images", f"{shown_shape(shapes[0])} for {shown_shape(size)}")
    return (size[0], size[2], size[3], 2)


def resize(shapes: Shapes, attributes: Attributes) -> Dimensions:
    """(N, channels, `sizes`)."""
    if len(attributes["sizes"]) != len(shapes[0]) - 2:
        raise invalid(f"{len(shapes[0]) - 2} sizes", str(len(attributes["sizes"])))
    return (*shapes[0][:2], *attributes["sizes"])


def _axis(shape: Dimensions, axis: int) -> int:
    if axis >= len(shape):
        raise invalid(f"one of {len(shape)} axes", f"axis {axis}")
    return axis


def _divides(groups: int, channels: Dimension) -> bool:
    return isinstance(channels, int) and channels % groups == 0


def _number(dimension: Dimension) -> int:
    """A size of an image or a filter. Raises ArtifactError for one that depends on N."""
    if isinstance(dimension, Size):
        raise not_supported("an image whose size depends on the batch")
    return dimension
