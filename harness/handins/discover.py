"""Submissions on disk: found, checked and read once. Imports none of them and follows no link."""

from __future__ import annotations

import itertools
import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from harness.handins.archive import Allowance, members
from harness.handins.downloads import hand_ins, parts, read_name
from harness.handins.forms import HINT_FILE, MAX_HINT_FILE, NOTEBOOK, bad_hint, find_entry, find_framework, find_hint
from harness.handins.roster import Student, find_student, missing, read_roster
from harness.records.check import Check, Outcome
from harness.records.errors import SubmissionError, UsageError
from harness.records.submission import Rejected, SourceFile, Submission

MAX_BYTES = 1 << 20
MAX_FILES = 60
MAX_DEPTH = 4
_CAREFULLY = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
"""Follow no link, do not block, no text conversion; each where the system supports it."""
MAX_NOTEBOOK = 16 << 20
"""Notebooks contain their pictures; only their code is read."""
_SOURCES = (".py", NOTEBOOK)
_ARCHIVE = ".zip"
_IGNORED = {"__pycache__", "__MACOSX"}
_ONE_FILE = "a folder with model.py, one .py or .ipynb file, or a .zip"

Found = Submission | Rejected
Contents = Iterator[tuple[str, bytes]]
"""Path and bytes of each file."""


def discover(folder: Path, roster: Path | None = None, patterns: Sequence[str] = ()) -> list[Found]:
    """Every submission in a folder, by name: each subfolder, and each .py, .ipynb or .zip file; several of one student
    in a download are one.

    With a `roster` they are named after its students, and students who handed in nothing are listed as rejected.
    `patterns` are the file names that the assignment requires. Raises UsageError if there is none.
    """
    students = read_roster(roster) if roster else []
    if not folder.is_dir():
        raise UsageError("a folder of submissions", f"{_shown(str(folder))} is not a folder", "name the right folder")
    try:
        entries = sorted(entry.name for entry in os.scandir(folder) if _is_submission(entry))
    except OSError as error:
        raise UsageError("a readable folder of submissions", str(error), "make it readable") from None
    if not entries:
        raise UsageError(f"submissions in {_shown(str(folder))}", "none", "put each in a folder <name>/model.py")
    groups = hand_ins(entries)
    names = _distinct_names([group[0] for group in groups], students)
    pairs = zip(groups, names, strict=True)
    found = [_take_together(folder, group, name, patterns) for group, name in pairs]
    return [*found, *missing(students, names)]


def _distinct_names(entries: list[str], students: list[Student]) -> list[str]:
    """A name for each submission: its student's on the roster, else its own, without suffix if that is unique; numbered
    where two look alike."""
    names: dict[str, None] = {}
    stems = Counter(_stem(entry) for entry in entries)
    for entry in entries:
        stem = _stem(entry)
        student = find_student(stem, students)
        own = _own_name(stem, entry if stem in entries or stems[stem] > 1 else stem)
        base = name = _shown(student.name if student else own)
        number = 2
        while name in names:
            name, number = f"{base} ({number})", number + 1
        names[name] = None
    return list(names)


def _own_name(stem: str, shown: str) -> str:
    """A name as it is, or the student in it where a learning-management system wrote it."""
    handed = read_name(stem)
    return handed.student or shown if handed else shown


def _stem(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in (*_SOURCES, _ARCHIVE) if name.endswith(suffix)), name)


def _is_submission(entry: os.DirEntry[str]) -> bool:
    if entry.name.startswith(".") or entry.name in _IGNORED:
        return False
    return entry.is_dir(follow_symlinks=False) or entry.is_symlink() or entry.name.endswith((*_SOURCES, _ARCHIVE))


def take_in(path: Path, name: str | None = None, entry: str = "", patterns: Sequence[str] = ()) -> Found:
    """One submission: a folder, a .py or .ipynb file or a .zip, named after it. Any problem becomes a failed check.
    `entry` names the model, as `submission.toml` may, and wins over it; `patterns` choose among files."""
    path = Path(os.path.abspath(path))
    return _taken(name or _shown(_stem(path.name)), lambda: _contents(path, Allowance()), entry, patterns)


def _take_together(folder: Path, group: Sequence[str], name: str, patterns: Sequence[str]) -> Found:
    """All files of one student in a download, under the names that the student gave them."""
    if len(group) == 1:
        return take_in(folder / group[0], name, patterns=patterns)
    try:
        kept, notes = parts(group)
    except SubmissionError as error:
        return _refused(name, error)
    found = _taken(name, lambda: _contents_together(Path(os.path.abspath(folder)), kept), "", patterns)
    return replace(found, notes=notes) if isinstance(found, Submission) else found


def _taken(name: str, contents: Callable[[], Contents], entry: str, patterns: Sequence[str]) -> Found:
    try:
        everything = tuple(_read_all(contents()))
        files = tuple(file for file in everything if file.path.endswith(_SOURCES))
        hints = {file.path: file.content for file in everything if file.path not in {source.path for source in files}}
        file, hint = find_hint(files, hints.get(_hint_path(hints)), entry)
        chosen = file or find_entry(files, patterns)
        return Submission(name, files, chosen, find_framework(files, chosen), hint)
    except SubmissionError as error:
        return _refused(name, error)


def _refused(name: str, error: SubmissionError) -> Rejected:
    return Rejected(name, Check(error.check, Outcome.FAILED, error.expected, error.found, error.try_))


def _hint_path(hints: Collection[str]) -> str:
    """The hint nearest to the top: an archive often holds one folder with everything in it."""
    return min(hints, key=lambda path: (path.count("/"), path), default="")


def _shown(name: str) -> str:
    """A submission's name, shortened if it is too long for a table."""
    return _printable(name)[:120]


def _printable(name: str) -> str:
    """A file name as printable text: undecodable bytes and control characters are spelled out."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _wrong(expected: str, found: str, try_: str) -> SubmissionError:
    return SubmissionError("source", expected, found, try_)


def _read_all(contents: Contents) -> Iterator[SourceFile]:
    """Python files, notebooks and hints of a submission, in order of path, within the limits on number and size."""
    total, seen = Counter[str](), set[str]()
    for path, content in contents:
        kind = NOTEBOOK if path.endswith(NOTEBOOK) else ".py"
        total[kind] += len(content)
        if total[".py"] > MAX_BYTES or total[NOTEBOOK] > MAX_NOTEBOOK or len(seen) == MAX_FILES:
            found = f"more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB"
            raise _wrong("a few Python files", found, "hand in the model definition only")
        if path in seen:
            raise _wrong("one file of each name", f"two named {path[:120]}", "keep only one of them")
        seen.add(path)
        yield SourceFile(path, content)


def _contents_together(folder: Path, kept: Sequence[tuple[str, str]]) -> Contents:
    """The contents of several entries: files under their author's names, archives and folders as folders."""
    allowance = Allowance()
    allowance.take_entries(len(kept))
    for own, entry in sorted(kept):
        path = folder / entry
        is_file = _kind(path) == "file" and not entry.endswith(_ARCHIVE)
        prefix = "" if is_file or not own else f"{_printable(_stem(own))}/"
        for relative, content in _contents(path, allowance):
            yield _printable(own) if is_file else prefix + relative, content


def _contents(path: Path, allowance: Allowance) -> Contents:
    if path.name.endswith(_ARCHIVE) and _kind(path) == "file":
        archive = _read(path, allowance.archives)
        allowance.take_archive(len(archive))
        for relative, content in members(archive, _limit_inside, allowance):
            yield _printable(relative), _bounded(relative, content)
        return
    for relative, file in _walk(path, allowance):
        yield relative, _bounded(relative, _read(file, _limit(relative)))


def _limit(path: str) -> int:
    """How many bytes of a file may be read; 0 if it is not part of a submission."""
    if path.endswith(_SOURCES):
        return MAX_NOTEBOOK if path.endswith(NOTEBOOK) else MAX_BYTES
    return MAX_HINT_FILE if path.rpartition("/")[2] == HINT_FILE else 0


def _limit_inside(path: str) -> int:
    """The same for a path in an archive, where hidden files have not been skipped yet."""
    parts = path.replace("\\", "/").split("/")
    is_hidden = any(part in _IGNORED or (part.startswith(".") and part.strip(".")) for part in parts)
    return 0 if is_hidden else _limit("/".join(parts))


def _bounded(path: str, content: bytes) -> bytes:
    limit = _limit(path)
    if len(content) <= limit:
        return content
    if limit == MAX_HINT_FILE:
        raise bad_hint(f"more than {limit:,} bytes")
    raise _wrong(f"at most {limit >> 20} MiB of source", f"more in {_shown(path)}", "hand in the model definition only")


def _walk(path: Path, allowance: Allowance) -> Iterator[tuple[str, Path]]:
    kind = _kind(path)
    if kind == "file":
        if _limit(path.name):
            yield _printable(path.name), path
        return
    if kind != "folder":
        raise _wrong(_ONE_FILE, f"{kind} named {_shown(path.name)}", "hand in the file itself")
    yield from _walk_folder(path, allowance)


def _walk_folder(top: Path, allowance: Allowance) -> Iterator[tuple[str, Path]]:
    """Python files below a folder, sorted by path. Bounded in depth and in the number of entries."""
    folders = [(top, "")]
    while folders:
        folder, prefix = folders.pop()
        below = []
        for name in _names(folder, allowance):
            path, relative = folder / name, f"{prefix}{_printable(name)}"
            kind = _kind(path)
            if kind == "folder":
                below.append((path, f"{relative}/"))
            elif name.endswith(_SOURCES) or relative == HINT_FILE:
                if kind != "file":
                    raise _wrong("a regular file", f"{kind} named {relative}", "hand in the file itself")
                yield relative, path
        if below and prefix.count("/") >= MAX_DEPTH:
            raise _wrong(f"at most {MAX_DEPTH} nested folders", "more", "put the model at the top of the folder")
        folders += reversed(below)


def _names(folder: Path, allowance: Allowance) -> list[str]:
    """Sorted names in a folder, except hidden ones; no more entries than allowed are read."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in itertools.islice(entries, allowance.entries + 1)]
    except OSError as error:
        raise _wrong("a readable folder", str(error.strerror), "make it readable") from None
    allowance.take_entries(len(names))
    return sorted(name for name in names if not name.startswith(".") and name not in _IGNORED)


def _kind(path: Path) -> str:
    try:
        mode = os.lstat(path).st_mode
    except OSError as error:
        raise _wrong(_ONE_FILE, f"{_shown(path.name)}: {error.strerror}", "check the path") from None
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "a symbolic link", stat.S_IFIFO: "a FIFO"}
    return kinds.get(stat.S_IFMT(mode), "a device or socket")


def _read(path: Path, limit: int) -> bytes:
    """A regular file's bytes, at most one more than the limit; opened without following a link and without blocking."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _CAREFULLY)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise _wrong("a regular file", "something else", "hand in the file itself")
            return file.read(limit + 1)
    except OSError as error:
        raise _wrong("a readable file", f"{_shown(path.name)}: {error.strerror}", "make it readable") from None
