"""Text to syntax tree, with two repairs: print statements of Python 2, and notebook cells that never ran."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, replace

from harness.slicing.text import Text

_MENDS = 300
_PRINT = "Missing parentheses in call to 'print'"
_PRINTED = re.compile(r"print\b[^;\\]*$")


@dataclass(frozen=True)
class Parsed:
    """A module's tree and text, the text as it was, and the lines that had to be left out to parse it."""

    text: Text
    tree: ast.Module
    source: str = ""
    printed: tuple[int, ...] = ()
    broken: tuple[range, ...] = ()


def parse(text: Text) -> Parsed:
    """The syntax tree of a text. Raises SyntaxError if it is not Python.

    A print statement of Python 2 becomes `pass`: it does not change a model. So does a notebook cell that is not
    Python, which never ran in the notebook either; the slice decides whether the model needs it.
    """
    printed: list[int] = []
    broken: list[range] = []
    source = text.source
    for _ in range(_MENDS):
        try:
            return Parsed(text, ast.parse(text.source, text.path), source, tuple(printed), tuple(broken))
        except SyntaxError as error:
            repaired = _without_print(text, error)
            if repaired is not None:
                printed.append(error.lineno or 0)
            elif text.cells and (cell := _broken_cell(text, error)):
                repaired = _without_lines(text, cell)
                broken.append(cell)
            else:
                raise
            text = repaired
    return Parsed(text, ast.parse(text.source, text.path), source, tuple(printed), tuple(broken))


def _without_print(text: Text, error: SyntaxError) -> Text | None:
    """The text with one print statement taken out, where the statement is all that is left of its line."""
    if not error.msg.startswith(_PRINT) or not error.lineno or not error.offset:
        return None
    lines = text.source.split("\n")
    line = lines[error.lineno - 1]
    start = line.find("print", max(0, error.offset - 1))
    rest = line[start:]
    if start < 0 or not _PRINTED.match(rest) or any(rest.count(a) != rest.count(b) for a, b in ("()", "[]", "{}")):
        return None
    lines[error.lineno - 1] = line[:start] + "pass"
    return replace(text, source="\n".join(lines))


def _broken_cell(text: Text, error: SyntaxError) -> range | None:
    """The lines of the cell that the error is in, if that cell does not parse on its own."""
    for line in ((error.lineno or 1), max(1, (error.lineno or 1) - 1)):
        cell = text.cell_lines(line)
        source = "\n".join(text.source.split("\n")[cell.start - 1 : cell.stop - 1])
        try:
            ast.parse(source)
        except SyntaxError:
            return cell
    return None


def _without_lines(text: Text, gone: range) -> Text:
    lines = text.source.split("\n")
    lines[gone.start - 1 : gone.stop - 1] = [""] * len(lines[gone.start - 1 : gone.stop - 1])
    return replace(text, source="\n".join(lines))
