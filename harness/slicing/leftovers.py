"""What a slice left out, described for the student."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness.slicing import names
from harness.slicing.effects import blocks, statements
from harness.slicing.parsing import Parsed
from harness.slicing.words import ASKS, NEVER_CALLED, READS_DATA, SHOWS, TRAINS

_LISTED = 6
_TRAINING = TRAINS | {"compile", "step", "zero_grad"}


def left_out(parsed: Parsed, kept: ast.Module) -> list[str]:
    """A line for each kind of work that the slice left out, with its location."""
    lines = {part.lineno for part in ast.walk(kept) if isinstance(part, (ast.stmt, ast.expr))}
    groups: dict[str, list[int]] = {}
    for node in _leaves(parsed.tree):
        if not lines.intersection(range(node.lineno, (node.end_lineno or node.lineno) + 1)):
            groups.setdefault(_kind(node), []).append(node.lineno)
    for cell in parsed.broken:
        groups.setdefault("a cell that is not Python", []).append(cell.start)
    return [f"left out: {kind} ({_places(parsed, found)})" for kind, found in groups.items() if kind]


def _leaves(tree: ast.Module) -> Iterator[ast.stmt]:
    return (node for node in statements(tree.body) if not blocks(node))


def _kind(node: ast.stmt) -> str:
    """What a statement does, judging by its names; empty if not worth mentioning."""
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.Pass)) or _is_text(node):
        return ""
    called = {names.called(call) for call in names.calls(node)}
    if called & _TRAINING or any(
        NEVER_CALLED.match(name) and name.startswith(("train", "fit", "main")) for name in called
    ):
        return "training"
    if called & READS_DATA:
        return "reading data"
    if called & SHOWS or called & {"print"}:
        return "printing and plots"
    return "user input and arguments" if called & (ASKS | {"add_argument"}) else "what the model does not need"


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _places(parsed: Parsed, lines: list[int]) -> str:
    lines = sorted(set(lines))
    if parsed.text.cells:
        cells = dict.fromkeys(parsed.text.place(line).split(", ")[1] for line in lines)
        shown = [cell.removeprefix("code ") for cell in cells]
    else:
        shown = [f"line {first}" if first == last else f"lines {first}-{last}" for first, last in _runs(lines)]
    rest = f" and {len(shown) - _LISTED} more" if len(shown) > _LISTED else ""
    return ", ".join(shown[:_LISTED]) + rest


def _runs(lines: list[int]) -> list[tuple[int, int]]:
    """Ranges of adjacent lines, as first and last."""
    runs: list[tuple[int, int]] = []
    for line in lines:
        if runs and line - runs[-1][1] <= 3:
            runs[-1] = (runs[-1][0], line)
        else:
            runs.append((line, line))
    return runs
