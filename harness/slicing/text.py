"""A file's bytes as Python text: encodings, the code cells of a notebook, magics and shell lines.

Lines are never moved: anything that is not Python becomes `pass`, so that an error names the line the student wrote.
"""

from __future__ import annotations

import bisect
import codecs
import importlib.util
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from harness.records.errors import SubmissionError

NOTEBOOK = ".ipynb"
_BYTE_ORDERS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_WRITTEN = re.compile(r"\s*%%(?:writefile|file)[ \t]+(?:[\w.]+/)*(\w+)\.py[ \t]*(?:\n|$)")
"""A cell that writes a module. It is treated as part of the notebook, where its names are used."""
_PYTHON_CELLS = {"time", "timeit", "capture", "prun", "%", ""}
"""Cell magics that run their cell as Python; all others contain something else."""


@dataclass(frozen=True)
class Text:
    """Python text and where it stands in the file. `cells` has the first line of each code cell of a notebook,
    `written` the modules that its cells write."""

    path: str
    source: str
    cells: tuple[int, ...] = ()
    written: frozenset[str] = frozenset()

    def place(self, line: int) -> str:
        """The location of a line in the student's file."""
        if not self.cells:
            return f"{self.path}, line {line}"
        number = bisect.bisect_right(self.cells, line)
        return f"{self.path}, code cell {number}, line {line - self.cells[number - 1] + 1}"

    def cell_lines(self, line: int) -> range:
        """The lines of the cell that holds this line; of the whole text where there are no cells."""
        number = bisect.bisect_right(self.cells, line)
        start = self.cells[number - 1] if number else 1
        end = self.cells[number] if number < len(self.cells) else self.source.count("\n") + 2
        return range(start, end)


def read_text(path: str, content: bytes) -> Text:
    """The Python text of a file. Raises SubmissionError for an invalid notebook, or one in another language."""
    if not path.endswith(NOTEBOOK):
        return Text(path, without_magics(_decode(content)))
    cells, starts, line, written = [], [], 1, set[str]()
    for cell in _code_cells(path, content):
        written |= {match[1] for match in [_WRITTEN.match(cell)] if match}
        starts.append(line)
        cells.append(_as_python(cell))
        line += cells[-1].count("\n") + 1
    return Text(path, "\n".join(cells), tuple(starts), frozenset(written))


def _decode(content: bytes) -> str:
    """Text in the encoding that the file declares. An undecodable byte is usually in a comment or a string in another
    encoding, so it is replaced, although Python itself would not read the file."""
    encoding = _BYTE_ORDERS.get(content[:2])
    if encoding:
        return content.decode(encoding, "replace")
    try:
        return importlib.util.decode_source(content)
    except (SyntaxError, UnicodeDecodeError, LookupError):
        return content.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _code_cells(path: str, content: bytes) -> Iterator[str]:
    """The text of each code cell, as nbformat 3 and 4 write it. Read here rather than by nbformat, which would validate
    outputs and metadata that are not needed, and refuse many notebooks because of them."""
    try:
        notebook = json.loads(content)
    except (ValueError, RecursionError):
        raise _no_notebook(path, "not JSON") from None
    if not isinstance(notebook, dict):
        raise _no_notebook(path, "no object with cells")
    language = _language(notebook)
    if not language.startswith(("python", "ipython")):
        raise _no_notebook(path, f"a notebook in {language[:40]}")
    sheets = _objects(notebook.get("worksheets"))
    cells = _objects(notebook.get("cells", sheets[0].get("cells") if sheets else None))
    if not cells:
        raise _no_notebook(path, "no list of cells")
    for cell in cells:
        if cell.get("cell_type") == "code":
            yield _joined(cell.get("source", cell.get("input", "")))


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata")
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        part = metadata.get(key) if isinstance(metadata, dict) else None
        if isinstance(part, dict) and isinstance(part.get(name), str):
            return str(part[name]).lower()
    return "python"


def _joined(source: object) -> str:
    lines = source if isinstance(source, list) else [source]
    return "".join(line for line in lines if isinstance(line, str)).replace("\r\n", "\n").rstrip("\n")


def _no_notebook(path: str, found: str) -> SubmissionError:
    expected = "a Jupyter notebook with Python cells"
    return SubmissionError("source", expected, f"{found} in {path}", "save the notebook again, or hand in model.py")


def _as_python(cell: str) -> str:
    """One cell without magics. One in another language is left out whole; one that writes a `.py` file is that file."""
    first = re.match(r"\s*%%(\w*)", cell)
    if first and first[1] not in _PYTHON_CELLS and not _WRITTEN.match(cell):
        return "\n" * cell.count("\n")
    return without_magics(cell)


_MAGIC = re.compile(r"[ \t]*(?:[%!?]|[\w.,\[\] \t]+=[ \t]*(?:!|%[A-Za-z])|%?[\w.]+\?{1,2}[ \t]*$)")
_AUTOMATIC = re.compile(r"(?:pip3?|conda|apt|apt-get)[ \t]+(?:install|uninstall)[ \t]+[^=(\[]")
_TOKEN = re.compile(r"\\.|\"\"\"|'''|[\"'#()\[\]{}]", re.DOTALL)


def without_magics(source: str) -> str:
    """The text with every magic, shell and help line replaced by `pass`, where a statement may begin.

    Inside brackets and strings, and after a backslash, such a line is Python: `% width` continues a formula.
    """
    if not re.search(r"(?m)^[ \t]*[%!?]|=[ \t]*[!%]|\?[ \t]*$|^(?:pip|conda|apt)", source):
        return source
    lines, inside = [], _Inside()
    for line in source.split("\n"):
        if inside.nothing and (_MAGIC.match(line) or _AUTOMATIC.match(line)):
            lines.append(line[: len(line) - len(line.lstrip())] + "pass")
            inside.continued = False
        else:
            inside.read(line)
            lines.append(line)
    return "\n".join(lines)


class _Inside:
    """The context of a line: brackets, a multi-line string, or a statement continued by a backslash."""

    def __init__(self) -> None:
        self._depth, self._quote, self.continued = 0, "", False

    @property
    def nothing(self) -> bool:
        """Whether a statement may begin here."""
        return not (self._depth or self._quote or self.continued)

    def read(self, line: str) -> None:
        """Go on to the end of this line."""
        for token in _TOKEN.findall(line):
            if self._quote:
                self._quote = "" if token == self._quote else self._quote
            elif token == "#":
                break
            elif token in ('"', "'", '"""', "'''"):
                self._quote = token
            elif len(token) == 1:
                self._depth = max(0, self._depth + (1 if token in "([{" else -1))
        self.continued = line.endswith("\\")
        if len(self._quote) == 1 and not self.continued:
            self._quote = ""
