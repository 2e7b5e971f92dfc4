"""How many results a kernel keeps in registers at once. A cost model of one core, not a measurement."""

from __future__ import annotations

import functools
from dataclasses import dataclass

_LATENCY = 4
"""Cycles of a fused multiply-add: fewer independent sums than two each cycle wait for each other."""
_OVERHEAD = 0.4
_MOST_ROWS, _MOST_COLUMNS = 8, 14


@dataclass(frozen=True)
class Tile:
    """So many rows (channels) by so many columns of results."""

    rows: int
    columns: int


def parts(count: int, size: int) -> list[tuple[int, int]]:
    """Where each part of at most `size` starts, and how long it is."""
    return [(start, min(size, count - start)) for start in range(0, count, size)]


@functools.cache
def best_tile(rows: int, columns: int, registers: int, most_columns: int = _MOST_COLUMNS) -> Tile:
    """The tile with the fewest cycles for a result of this size that leaves registers for what it reads."""
    tiles = [
        Tile(r, c)
        for r in range(1, min(_MOST_ROWS, rows) + 1)
        for c in range(1, min(most_columns, columns) + 1)
        if r * c + c <= registers
    ]
    return min(tiles, key=lambda tile: (_cycles(tile, rows, columns), -tile.rows * tile.columns))


def _cycles(tile: Tile, rows: int, columns: int) -> float:
    """Two multiply-adds and two loads each cycle."""
    pairs = [(r, c) for r in _sizes(rows, tile.rows) for c in _sizes(columns, tile.columns)]
    return sum(m * n * (max(r * c / 2, _LATENCY, (r + c) / 2) + _OVERHEAD) for (r, m), (c, n) in pairs)


def _sizes(count: int, size: int) -> list[tuple[int, int]]:
    """The size of a full part and of the last one, with how many there are."""
    return [(size, count // size), (count % size, min(count % size, 1))]
