"""A submission's program: the part of its entry file that runs, the model expression, and the notes."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from harness.records.errors import SubmissionError
from harness.records.framework import Framework
from harness.slicing import names
from harness.slicing.arguments import without_questions
from harness.slicing.choose import Choice, Chooser, NotFound
from harness.slicing.companions import in_own_words
from harness.slicing.effects import Facts, statements
from harness.slicing.flatten import flatten
from harness.slicing.handed import settings_of_work
from harness.slicing.keras_order import channels_first, silent_channels_first
from harness.slicing.kinds import Kinds
from harness.slicing.known_sizes import is_about_mnist, with_known_sizes
from harness.slicing.leftovers import left_out
from harness.slicing.older_keras import OlderKeras
from harness.slicing.parsing import Parsed, parse
from harness.slicing.slicer import slice_program
from harness.slicing.tensors import MNIST
from harness.slicing.text import NOTEBOOK, Text, read_text
from harness.slicing.words import CHANCE, HARMLESS, NEVER_CALLED, READS_DATA, TRAINS, WORK

_FRAMEWORKS = {module for framework in Framework for module in framework.facts.modules}
_AT_HAND = {*_FRAMEWORKS, "numpy", "safetensors", "harness", "__future__"}
_HARMLESS = f"(?:{'|'.join(sorted(HARMLESS))})"


class DependsOnData(SubmissionError):
    """A model that needs something that is never run: data, training, user input."""


@dataclass(frozen=True)
class Program:
    """The part of a file that runs. Without an `expression` the model is searched for after the tree has run.

    `optional` has the packages that may be missing, as long as the model does not use them.
    """

    text: Text
    tree: ast.Module
    expression: str = ""
    notes: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    is_whole: bool = False

    def shown(self) -> str:
        """The program as Python text, as `check --explain-import` prints it."""
        head = f"# {self.text.path}: {'all of it' if self.is_whole else 'what the model depends on'}\n"
        tail = f"\n\n# The model is: {self.expression}\n" if self.expression else "\n"
        return head + ast.unparse(self.tree) + tail


@dataclass(frozen=True)
class _Source:
    """An entry file, parsed, with what the files next to it define. `is_alone` unless it names another package."""

    parsed: Parsed
    facts: Facts
    kinds: Kinds
    framework: Framework
    is_alone: bool


def plan(files: Mapping[str, bytes], entry: str, hint: str, framework: Framework) -> Program:
    """The program of an entry file. A `hint` such as `Net(classes=10)` names the model and wins over any search.

    A file that only defines runs as it is. One that also works (loads data, trains, plots) is sliced. Raises
    SubmissionError, and SyntaxError if the file is not Python.
    """
    source = _read(files, entry, framework, entry)
    try:
        return _planned(source, hint)
    except DependsOnData:
        sized = _with_known_sizes(source) if is_about_mnist(source.parsed.text.source) else None
        if sized is None:
            raise
        again, notes = sized
    planned = _planned(again, hint)
    return replace(planned, notes=(*planned.notes, *notes))


def _with_known_sizes(source: _Source) -> tuple[_Source, list[str]] | None:
    """The program with MNIST's sizes instead of those that it takes from data; None if there are none."""
    tree, found = with_known_sizes(source.parsed.tree, source.kinds, str(source.framework.facts.image_shape))
    if not found:
        return None
    facts = Facts(tree.body, source.facts.table, source.facts.local)
    kinds = Kinds(facts, source.kinds.local_models)
    notes = [f"{source.parsed.text.place(line)}: {note}" for line, note in dict.fromkeys(found)]
    return _Source(replace(source.parsed, tree=tree), facts, kinds, source.framework, source.is_alone), notes


def _planned(source: _Source, hint: str) -> Program:
    flat = flatten(source.parsed.tree.body, source.kinds)
    facts = Facts(flat, source.facts.table, source.facts.local)
    kinds = Kinds(facts, source.kinds.local_models)
    whole = source.is_alone and flat == source.parsed.tree.body and only_defines(source.parsed, facts)
    try:
        choice = _hinted(hint, flat, facts) if hint else _chosen(source, flat, kinds)
    except NotFound:
        if not whole:
            raise
        choice = Choice("", tuple(flat))
    kept = flat if whole else _sliced(choice, facts, source.parsed)
    return _finished(source, choice, kept, whole)


def module_program(files: Mapping[str, bytes], path: str, framework: Framework) -> Program:
    """Another file of the submission: all of it, or its definitions where it also works."""
    source = _read(files, path, framework)
    body = source.parsed.tree.body
    whole = only_defines(source.parsed, source.facts)
    wanted = {name for node in body if not _works(node, source.facts) for name in names.bound(node)}
    kept = body if whole else slice_program([n for n in body if not _works(n, source.facts)], wanted, source.facts)
    return _finished(source, Choice("", tuple(body)), kept, whole)


class _BesideIt(ast.NodeTransformer):
    """Turns `from .layers import Block` into `from layers import Block` in a file outside a package.

    Names from a module that the notebook itself has `written` are already there.
    """

    def __init__(self, local: frozenset[str], written: frozenset[str]) -> None:
        self._local, self._written = local, written

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST:
        """A relative import of another file of the submission."""
        if node.module in self._written and not node.level:
            return ast.copy_location(ast.parse(_renamings(node)).body[0], node)
        if node.level and node.module and node.module.split(".")[0] in self._local:
            return ast.copy_location(ast.ImportFrom(module=node.module, names=node.names, level=0), node)
        if node.level and not node.module and {alias.name for alias in node.names} <= self._local:
            return ast.copy_location(ast.Import(names=node.names), node)
        return node


def _renamings(node: ast.ImportFrom) -> str:
    """`from model import Net as M` where Net is available: `M = Net`."""
    pairs = [(alias.asname, alias.name) for alias in node.names if alias.asname and alias.asname != alias.name]
    return f"{', '.join(new for new, _ in pairs)} = {', '.join(old for _, old in pairs)}" if pairs else "pass"


def _read(files: Mapping[str, bytes], path: str, framework: Framework, entry: str = "") -> _Source:
    parsed = parse(read_text(path, files[path]))
    is_alone = (tree := in_own_words(parsed.tree)) is parsed.tree
    parsed = replace(parsed, tree=tree)
    if "/" not in path or path == entry:
        beside = frozenset(PurePosixPath(name).stem for name in files)
        _BesideIt(beside, parsed.text.written - beside).visit(parsed.tree)
    table = names.imports(parsed.tree)
    local = frozenset(PurePosixPath(name).stem for name in files) | {
        name.split("/")[0] for name in files if "/" in name
    }
    facts = Facts(parsed.tree.body, table, frozenset(local))
    return _Source(parsed, facts, Kinds(facts, _models_beside(files, path, table)), framework, is_alone)


def _models_beside(files: Mapping[str, bytes], path: str, table: dict[str, str]) -> frozenset[str]:
    """Imported names that another file of the submission defines as a model class or a function that builds one."""
    wanted = {part for full in table.values() for part in full.strip(".").split(".")[-2:]}
    found: set[str] = set()
    for other, content in files.items():
        stem = PurePosixPath(other).stem
        if other == path or stem not in wanted:
            continue
        try:
            tree = parse(read_text(other, content)).tree
        except (SyntaxError, ValueError):
            continue  # importing it reports the error, with its line
        kinds = Kinds(Facts(tree.body, names.imports(tree)))
        found |= set(kinds.model_classes())
        found |= {name for name, function in kinds.facts.functions.items() if kinds.returns_model(function)}
    return frozenset(name for name in found) | {
        full.lstrip(".") for full in table.values() if full.split(".")[-1] in found
    }


def _chosen(source: _Source, flat: list[ast.stmt], kinds: Kinds) -> Choice:
    return Chooser(source.parsed.tree, flat, kinds, str(source.framework.facts.image_shape)).choose()


def _hinted(hint: str, flat: list[ast.stmt], facts: Facts) -> Choice:
    """The named expression: a name, or a call with literal arguments."""
    try:
        tree = ast.parse(hint, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _bad_hint(hint) from None
    head = tree.func if isinstance(tree, ast.Call) else tree
    values = [*tree.args, *(keyword.value for keyword in tree.keywords)] if isinstance(tree, ast.Call) else []
    if not names.dotted(head) or not all(_is_literal(value) for value in values):
        raise _bad_hint(hint)
    known = {name for node in flat for name in names.bound(node)} | set(facts.fixed)
    has_star = any(name.startswith("*") for name in facts.table)
    if names.root(head) not in known and not has_star:
        raise SubmissionError("model", f"{names.root(head)} in the file", "no such name", "fix the name in the hint")
    if not isinstance(tree, ast.Call) and names.dotted(head) in {*facts.functions, *facts.classes}:
        return Choice(f"{hint}()", tuple(flat))
    return Choice(hint, tuple(_until_work(tree, flat)))


def _until_work(tree: ast.expr, flat: list[ast.stmt]) -> list[ast.stmt]:
    """For a variable: the program up to the work on it, which may change it."""
    if isinstance(tree, ast.Call):
        return flat
    works = [index for index, node in enumerate(flat) if _is_work_on(names.root(tree), node)]
    return flat[: works[0]] if works else flat


def _is_work_on(variable: str, node: ast.stmt) -> bool:
    calls = [call for part in statements([node]) for call in names.calls(part)]
    return any(names.called(call) in TRAINS and names.root(call.func) == variable for call in calls)


def _is_literal(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _bad_hint(hint: str) -> SubmissionError:
    expected = 'a name or a call with literal arguments, such as "model.py:Net(classes=10)"'
    return SubmissionError("model", expected, hint[:80], "fix entry in submission.toml, or --entry")


def only_defines(parsed: Parsed, facts: Facts) -> bool:
    """Whether importing a file only defines things: it can run as it is."""
    if parsed.text.path.endswith(NOTEBOOK) or parsed.printed or not _is_at_hand(facts) or _compiles(parsed.tree):
        return False
    return not any(_works(node, facts) for node in parsed.tree.body)


def _compiles(tree: ast.Module) -> bool:
    """Whether a Keras model is given an optimizer somewhere: it is not graded, and older spellings fail."""
    alone = (part.value for part in ast.walk(tree) if isinstance(part, ast.Expr) and isinstance(part.value, ast.Call))
    return any(isinstance(call.func, ast.Attribute) and call.func.attr == "compile" for call in alone)


def _is_at_hand(facts: Facts) -> bool:
    roots = {full.split(".")[0] for full in facts.table.values()}
    return roots <= _AT_HAND | facts.local | set(sys.stdlib_module_names)


def _works(node: ast.stmt, facts: Facts, asked: frozenset[str] = frozenset()) -> bool:
    """Whether a statement loads data, trains, plots or asks, by itself or through functions of the file."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return False
    for part in statements([node]):
        for call in names.calls(part):
            name = names.called(call)
            if name in WORK or (isinstance(call.func, ast.Name) and NEVER_CALLED.match(name)):
                return True
            inner = [] if name in asked else [part for body in facts.bodies(name) for part in body]
            if any(_works(part, facts, asked | {name}) for part in inner):
                return True
    return False


def _sliced(choice: Choice, facts: Facts, parsed: Parsed) -> list[ast.stmt]:
    needed = names.reads(ast.parse(choice.expression, mode="eval"))
    kept = slice_program(choice.body, needed, facts)
    _refuse_work(kept, facts, parsed.text)
    if by := settings_of_work(choice.body, kept, facts):
        found = f"{by[1]}, which the model depends on, is set inside {by[0]}()"
        raise _depends_on(found, parsed.text.place(by[2]))
    _refuse_broken(kept, needed, parsed)
    return [*kept, *(node for node in parsed.tree.body if _states_parameters(node) and node not in kept)]


def _states_parameters(node: ast.stmt) -> bool:
    """Whether a statement is the student's PARAMETERS; no model depends on it, and it is answered."""
    if not isinstance(node, ast.Assign) or names.bound(node) != {"PARAMETERS"}:
        return False
    return isinstance(node.value, ast.Dict) and _is_literal(node.value)


def _refuse_work(kept: Iterable[ast.stmt], facts: Facts, text: Text) -> None:
    """What is left must not read data, train or ask for input: the model depends on it, and such work is never run."""
    for call in _calls_that_run(kept):
        name, full = names.called(call), names.resolved(call.func, facts.table)
        own = names.dotted(call.func) in facts.functions or full.split(".")[0] in facts.local
        is_shapes = full.endswith("mnist.load_data")
        if (name in READS_DATA - {"ImageDataGenerator"} or name in TRAINS - {"predict", "evaluate"}) and not is_shapes:
            raise _depends_on(f"the model depends on {name}()", text.place(call.lineno))
        if CHANCE.match(full):
            raise _depends_on(f"the model depends on {full}()", text.place(call.lineno))
        if full.startswith("tensorflow_datasets.") or full in ("numpy.load", "torch.load"):
            raise _depends_on(f"the model depends on {full}()", text.place(call.lineno))
        if (own and NEVER_CALLED.match(name)) or name in ("input", "raw_input", "open"):
            raise _depends_on(f"the model depends on {name}()", text.place(call.lineno))


def _calls_that_run(kept: Iterable[ast.stmt]) -> Iterable[ast.Call]:
    for node in kept:
        if isinstance(node, ast.ClassDef):
            continue
        for part in statements(node.body if isinstance(node, ast.FunctionDef) else [node]):
            yield from names.calls(part)


def _depends_on(found: str, place: str) -> DependsOnData:
    expected = "a model that is defined without data, training or user input"
    return DependsOnData(
        "model", expected, f"{found} ({place})", "write the numbers themselves: sizes, shapes, 10 classes"
    )


def _refuse_broken(kept: list[ast.stmt], needed: set[str], parsed: Parsed) -> None:
    """A notebook cell that is not Python was left out; it must not be one that the model needs."""
    bound = {name for node in kept for name in names.bound(node)} | needed
    lines = parsed.source.split("\n")
    for cell in parsed.broken:
        source = "\n".join(lines[cell.start - 1 : cell.stop - 1])
        if any(re.search(rf"\b{re.escape(name)}\s*(?:[=(\[]|\.(?!{_HARMLESS}\())", source) for name in bound):
            ast.parse(source, parsed.text.place(cell.start))  # raises the SyntaxError


def _finished(source: _Source, choice: Choice, kept: list[ast.stmt], whole: bool) -> Program:
    """The tree to run, in current spelling, with its notes."""
    text, tree = source.parsed.text, ast.Module(body=list(kept), type_ignores=[])
    notes = list(choice.notes)
    if not whole:
        tree = without_questions(tree)
        notes += left_out(source.parsed, tree)
    if in_todays_words := _IN_TODAYS_WORDS.get(source.framework):
        tree, told = in_todays_words(source, tree)
        notes += told
    ast.fix_missing_locations(tree)
    return Program(text, tree, choice.expression, tuple(notes), _optional(source.parsed.tree), whole)


def _todays_keras(source: _Source, tree: ast.Module) -> tuple[ast.Module, list[str]]:
    """The tree in the terms of current Keras, and notes about the changes."""
    text, older = source.parsed.text, OlderKeras(source.facts.table, source.parsed.tree)
    tree = older.visit(tree)
    notes = [f"{text.place(note.line)}: {note.text}" for note in dict.fromkeys(older.notes)]
    if line := silent_channels_first(tree):
        tree.body.insert(_behind_future(tree), channels_first(line))
        notes.append(f"{text.place(line)}: channels come first here, as keras.json set it: channels_first is set")
    return tree, notes


_IN_TODAYS_WORDS = {Framework.TENSORFLOW: _todays_keras}
"""What reads older versions of a framework, if any are supported."""


def _behind_future(tree: ast.Module) -> int:
    future = (index for index, node in enumerate(tree.body) if getattr(node, "module", "") == "__future__")
    return max(future, default=-1) + 1


def _optional(tree: ast.Module) -> frozenset[str]:
    """Packages imported outside any `try`: a program that cares about their absence would use one."""
    tried = {name for node in ast.walk(tree) if isinstance(node, ast.Try) for name in _imported(node)}
    return frozenset(_imported(tree)) - tried - _AT_HAND


def _imported(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
    return found


__all__ = ["MNIST", "Program", "module_program", "plan"]
