"""Finds the numbers of a value in memory, whatever its place is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.engine.steps import Place
from harness.engine.values import Pointer, Vector, Whole
from harness.engine.writer import Writer

Body = Callable[..., Sequence[Any] | None]


@dataclass(frozen=True)
class Row:
    """One row of a value: its numbers from left to right, one vector each."""

    start: Pointer
    step: int | Whole

    def __getitem__(self, column: int | Whole) -> Vector:
        found: Vector = self.start[column * self.step]
        return found

    def __setitem__(self, column: int | Whole, number: Vector) -> None:
        self.start[column * self.step] = number

    def write(self, column: int | Whole, number: Vector, *, adds: bool) -> None:
        """Write a number, or add it to what is there."""
        self[column] = self[column] + number if adds else number


@dataclass(frozen=True)
class Value:
    """A value at its place, in the memory of a root with room for `blocks` blocks."""

    memory: Pointer
    place: Place
    blocks: Whole

    def row(self, block: Whole, channel: int | Whole, line: int | Whole) -> Row:
        """One row of one block."""
        inner = self._inner(channel, line)
        column = self.place.strides[2]
        if self.place.is_rows:
            return Row(self.memory + (self.blocks * inner + block), self.blocks * column)
        return Row(self.memory + (block * self.place.size + inner), column)

    def _inner(self, channel: int | Whole, line: int | Whole) -> Any:
        return channel * self.place.strides[0] + (line * self.place.strides[1]) + self.place.offset


def within(start: Whole, size: int, step: int, most: int) -> tuple[Whole, Whole]:
    """The first of the places `start`, `start + step`, ... that lies from 0 to before `size`, and the one after the
    last, both at most `most`."""
    first = (step - 1 - start).at_least(0) // step
    last = ((size - 1 + step) - start).at_least(0) // step
    return first.at_most(most), last.at_most(most)


def each_row(writer: Writer, blocks: Whole, place: Place, body: Body, carried: Sequence[Any] = ()) -> list[Any]:
    """For each block, channel and line: carried = body(block, channel, line, *carried)."""
    channels, lines, _ = place.dims

    def block(n: Whole, *now: Any) -> Sequence[Any]:
        def channel(c: Whole, *now: Any) -> Sequence[Any]:
            return writer.loop(lines, lambda h, *now: body(n, c, h, *now), now)

        return writer.loop(channels, channel, now)

    return writer.loop(blocks, block, carried)
