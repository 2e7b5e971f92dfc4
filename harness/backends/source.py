"""Import a submission's files from memory, so that the build process does not need them on disk."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import linecache
import sys
import traceback
from collections.abc import Sequence
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any

from harness.backends.missing import Absent, AbsentPackages
from harness.records.errors import SubmissionError
from harness.records.framework import Framework
from harness.records.submission import SourceFile
from harness.slicing.literals import literals
from harness.slicing.program import Program, module_program, plan

_MAX_LINE = 120
_PLACES = 3


class Sources(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """The files of one submission as importable modules; files next to the entry come first.

    From the entry file, what its model depends on is run; from the others, what they define: `harness.slicing`. `given`
    are names that its programs may use without binding them.
    """

    def __init__(
        self, files: Sequence[SourceFile], entry: str, framework: Framework, hint: str = "", given: Any = None
    ) -> None:
        self.entry = entry
        self.given: dict[str, Any] = given or {}
        self._framework, self._hint = framework, hint
        self._programs: dict[str, Program] = {}
        self._absent = AbsentPackages()
        self._found: set[str] = set()
        self._paths = {_module_name(file.path): file.path for file in files}
        folder = str(PurePosixPath(entry).parent)
        if folder != ".":
            beside = {file.path: PurePosixPath(file.path) for file in files}
            self._paths |= {p.stem: path for path, p in beside.items() if str(p.parent) == folder}
        self._paths = {name: path for name, path in self._paths.items() if path.endswith(".py") or path == entry}
        self._files = {file.path: file.content for file in files}
        self.module: ModuleType | None = None
        """The entry file as last imported."""
        sys.meta_path.insert(0, self)

    def load(self) -> ModuleType:
        """A fresh import of the entry file. Raises SubmissionError with the line at fault."""
        importlib.invalidate_caches()
        sys.argv = [self.entry]  # an argument parser finds none, and uses its defaults
        self.forget()
        try:
            self._program(self.entry)
            self.module = self._import(PurePosixPath(self.entry).stem)
        except BaseException as error:
            raise self.blame("import", "a file that can be imported", error) from None
        return self.module

    def forget(self) -> None:
        """Drop every module imported from here, packages without a file included: the next import runs anew."""
        self.module = None
        for name in self._found:
            sys.modules.pop(name, None)

    @property
    def program(self) -> Program:
        """The part of the entry file that runs. Raises SubmissionError if no single model can be determined."""
        try:
            return self._program(self.entry)
        except BaseException as error:
            raise self.blame("import", "a file that can be imported", error) from None

    def literals(self) -> tuple[int, tuple[str, ...]]:
        """Bytes of numbers, strings and bytes in the programs that were run, and where most of them are."""
        found = {
            (program.text, line): size
            for program in self._programs.values()
            for line, size in literals(program.tree).items()
        }
        largest = sorted(found.items(), key=lambda item: -item[1])[:_PLACES]
        return sum(found.values()), tuple(f"{text.place(line)} ({size:,} bytes)" for (text, line), size in largest)

    def _program(self, path: str) -> Program:
        if path not in self._programs:
            if path == self.entry:
                program = plan(self._files, path, self._hint, self._framework)
            else:
                program = module_program(self._files, path, self._framework)
            self._programs[path] = program
            self._absent.allow(program.optional)
        return self._programs[path]

    def _import(self, name: str) -> ModuleType:
        spec = self.find_spec(name)
        if spec is None:
            raise ImportError(f"no file for module {name}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        self.exec_module(module)
        return module

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  (the interface of a finder)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for the submission's own modules and packages, None for everything else."""
        if fullname in self._paths:
            self._found.add(fullname)
            is_package = self._paths[fullname].endswith("__init__.py")
            origin = self._paths[fullname]
            spec = importlib.machinery.ModuleSpec(fullname, self, origin=origin, is_package=is_package)
            spec.has_location = True
            return spec
        if any(name.startswith(fullname + ".") for name in self._paths):
            self._found.add(fullname)
            return importlib.machinery.ModuleSpec(fullname, None, is_package=True)
        return None

    def get_source(self, fullname: str) -> str:
        """The text of a module; tracebacks and inspect.getsource read it here."""
        return self._program(self._paths[fullname]).text.source

    def get_code(self, fullname: str) -> Any:
        """The part of a module that runs, compiled under its path inside the submission."""
        path = self._paths[fullname]
        return compile(self._program(path).tree, path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        """Run that part of a module."""
        vars(module).update(self.given)
        super().exec_module(module)

    def blame(self, check: str, expected: str, error: BaseException) -> SubmissionError:
        """The error of student code as a failed check that names the student's own line."""
        if isinstance(error, SubmissionError):
            return error
        name = type(error).__name__
        if isinstance(error, Absent):
            check, name = "import", "ModuleNotFoundError"
        found = f"{name}: {_first_line(error)}"
        return SubmissionError(check, expected, f"{found}{self._location(error)}", _advice(error))

    def _location(self, error: BaseException) -> str:
        if isinstance(error, SyntaxError) and error.filename in self._files:
            return f" ({self._place(error.filename, error.lineno or 0)})"
        frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in self._files]
        if not frames:
            return ""
        last = frames[-1]
        line = (last.line or linecache.getline(last.filename, last.lineno or 0)).strip()[:_MAX_LINE]
        return f" ({self._place(last.filename, last.lineno or 0)}: {line})"

    def _place(self, path: str, line: int) -> str:
        program = self._programs.get(path)
        return program.text.place(line) if program else f"{path}, line {line}"


def _module_name(path: str) -> str:
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def _first_line(error: BaseException) -> str:
    """The message of an exception, shortened; str() of a student's exception may itself raise."""
    try:
        text = (error.msg if isinstance(error, SyntaxError) else str(error)).strip()
    except BaseException:
        return "(its message cannot be shown)"
    return text.splitlines()[0][:400] if text else "no message"


def _advice(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"remove the import of {error.name}: it is not installed here, and only the model definition is needed"
    if isinstance(error, SyntaxError):
        return "fix the syntax: run the file once with python before handing it in"
    if isinstance(error, SystemExit):
        return "remove the call to sys.exit(): the file is imported, not run as a program"
    if isinstance(error, MemoryError):
        return "make the model smaller: building it needs more memory than is allowed"
    return "fix the named line, then run `harness check` again"
