"""Views and writes in place, made functional: what several tensors share is a storage, of which each is a view through
a chain of steps. A write through a view is undone step by step and becomes the storage's new value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.language.graph import Value
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimension, Dimensions, shown_shape
from harness.records.graph import Tensor


class Build(Protocol):
    """What steps need to write nodes."""

    def emit(self, operator: str, *inputs: Value, **attributes: Any) -> Value:
        """The result of an operator."""

    def is_trained(self, value: Value) -> bool:
        """Whether gradients flow through a value to a trainable tensor."""

    def filled(self, shape: Dimensions, number: float) -> Value:
        """The same number everywhere."""


class Step(Protocol):
    """One step from a value to a view of it."""

    def applied(self, build: Build, value: Value, /) -> Value:
        """The view."""

    def undone(self, build: Build, before: Value, after: Value, /) -> Value:
        """What `before` becomes when its view becomes `after`."""


@dataclass(frozen=True)
class Reshaped:
    """The same numbers in another shape."""

    shape: Dimensions

    def applied(self, build: Build, value: Value) -> Value:
        """A Reshape."""
        return build.emit("Reshape", value, shape=self.shape)

    def undone(self, build: Build, before: Value, after: Value) -> Value:
        """A Reshape back."""
        return build.emit("Reshape", after, shape=before.shape)


@dataclass(frozen=True)
class Permuted:
    """The axes in another order."""

    perm: tuple[int, ...]

    def applied(self, build: Build, value: Value) -> Value:
        """A Transpose."""
        return build.emit("Transpose", value, perm=self.perm)

    def undone(self, build: Build, _: Value, after: Value) -> Value:
        """A Transpose back."""
        return build.emit("Transpose", after, perm=tuple(map(self.perm.index, range(len(self.perm)))))


@dataclass(frozen=True)
class Part:
    """Some positions of an axis."""

    axis: int
    start: Dimension
    end: Dimension
    step: int = 1

    def applied(self, build: Build, value: Value) -> Value:
        """A Slice."""
        return build.emit("Slice", value, axis=self.axis, start=self.start, end=self.end, step=self.step)

    def undone(self, build: Build, before: Value, after: Value) -> Value:
        """What is before the part, the part and what is after it, joined."""
        if self.step != 1:
            raise not_supported("a write to every other position of an axis")
        whole = before.shape[self.axis]
        parts = [Part(self.axis, 0, self.start).applied(build, before)] if self.start != 0 else []
        parts.append(after)
        if self.end != whole:
            parts.append(Part(self.axis, self.end, whole).applied(build, before))
        return build.emit("Concat", *parts, axis=self.axis)


@dataclass(frozen=True)
class Stretched:
    """Axes of size 1 repeated, and new axes before the others."""

    shape: Dimensions

    def applied(self, build: Build, value: Value) -> Value:
        """An Expand."""
        stretched = build.emit("Expand", value, shape=self.shape)
        if stretched.shape != self.shape:
            raise invalid("an expansion of axes of size 1", f"{shown_shape(value.shape)} to {shown_shape(self.shape)}")
        return stretched

    def undone(self, _: Build, __: Value, ___: Value) -> Value:
        """One number has several places: PyTorch refuses this, too."""
        raise not_supported("a write to an expanded tensor")


@dataclass(frozen=True)
class Detached:
    """The same numbers, through which no gradient flows."""

    def applied(self, build: Build, value: Value) -> Value:
        """A StopGradient."""
        return build.emit("StopGradient", value)

    def undone(self, build: Build, before: Value, after: Value) -> Value:
        """New numbers that no gradient flows to."""
        return unnoticed(build, before, after)


def unnoticed(build: Build, before: Value, after: Value) -> Value:
    """What a tensor becomes that is written to where PyTorch does not notice: new numbers, whose gradient still is that
    of the old ones."""
    if not build.is_trained(before):
        return build.emit("StopGradient", after)
    return build.emit("Add", before, build.emit("StopGradient", build.emit("Sub", after, before)))


@dataclass(eq=False)
class Storage:
    """Memory that several views share. `uses` counts how often nodes refer to any of them, `writes` how often in place.

    `is_read` and `is_updated` say whether anything reads a model's tensor, and whether a batch normalization updates
    it.
    """

    tensor: Tensor | None = None
    version: int = 0
    uses: int = 0
    writes: int = 0
    is_read: bool = False
    is_updated: bool = False


@dataclass(eq=False)
class View:
    """A storage as a tensor shows it. Its value is the storage's as of `version`, seen through the steps from its
    root."""

    storage: Storage
    value: Value
    parent: View | None = None
    step: Step | None = None
    version: int = field(init=False)

    def __post_init__(self) -> None:
        self.version = self.storage.version


@dataclass(eq=False)
class Reference:
    """A tensor of PyTorch: an object that another view can be put into (`transpose_`)."""

    view: View

    @property
    def storage(self) -> Storage:
        """The memory that it shows."""
        return self.view.storage


def unwritten(shape: Dimensions) -> Value:
    """Memory that nothing was written to: a value that is no node's."""
    return Value("", shape)


def current(build: Build, view: View) -> Value:
    """The value of a view as of now. Raises ArtifactError for memory that nothing was written to."""
    if not view.value.name:
        raise invalid("tensors that are written before they are read", "one that is not")
    stale = []
    while view.version != view.storage.version and view.parent is not None and view.step is not None:
        stale.append(view)
        view = view.parent
    for child in reversed(stale):
        assert child.parent is not None and child.step is not None
        child.value = child.step.applied(build, child.parent.value)
        child.version = child.storage.version
    return stale[0].value if stale else view.value


def derived(build: Build, parent: View, step: Step) -> View:
    """A further view. Memory of which only a part is written is 0 elsewhere."""
    if not parent.value.name:
        parent.value = build.filled(parent.value.shape, 0.0)
    return View(parent.storage, step.applied(build, current(build, parent)), parent, step)


def write(build: Build, view: View, value: Value) -> None:
    """Replaces what a view shows, and with it its storage."""
    if view.value.name:
        current(build, view)
    storage, place = view.storage, view
    storage.version += 1
    while True:
        place.value, place.version = value, storage.version
        if place.parent is None or place.step is None:
            return
        value = place.step.undone(build, place.parent.value, value)
        place = place.parent
