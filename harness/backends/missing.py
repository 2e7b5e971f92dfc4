"""Stand-ins for packages that are not installed: they can be imported, and raise an error when the model uses them."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any, NoReturn

from harness.records.errors import SubmissionError


class Absent(ModuleNotFoundError):
    """Something from a package that is not installed was used."""


class AbsentPackages(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the named packages, after everything that is really installed."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        sys.meta_path.append(self)

    def allow(self, names: Iterable[str]) -> None:
        """Allow importing these packages even if they are not installed."""
        self._names |= set(names)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002  (the interface of a finder)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        """A spec for a stand-in, None for every package that was not allowed to be absent."""
        if fullname.split(".")[0] not in self._names:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        """An empty stand-in."""
        return _AbsentModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


class _AbsentModule(ModuleType):
    __all__: tuple[str, ...] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _AbsentPart(self.__name__)


class _AbsentPart:
    """Something of an absent package. It may be named and passed on; any other use is an error."""

    def __init__(self, package: str) -> None:
        self.__dict__["_package"] = package

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _AbsentPart(self.__dict__["_package"])

    def _touched(self, *_: Any, **__: Any) -> NoReturn:
        package = self.__dict__["_package"].split(".")[0]
        raise Absent(f"No module named {package!r}", name=package)

    __call__ = __getitem__ = __iter__ = __len__ = __bool__ = __enter__ = __exit__ = __mro_entries__ = _touched
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __float__ = _touched
    __int__ = __lt__ = __le__ = __gt__ = __ge__ = __setattr__ = __contains__ = __index__ = __str__ = _touched


class NotGiven:
    """A required command-line argument. It may be passed on; any other use is an error."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._touched()

    def _touched(self, *_: Any, **__: Any) -> NoReturn:
        expected = "a model that is defined without data, training or user input"
        found = "a model that depends on a required command-line argument"
        raise SubmissionError("model", expected, found, "give the argument a default")

    __call__ = __getitem__ = __iter__ = __len__ = __bool__ = __enter__ = __exit__ = _touched
    __eq__ = __ne__ = __hash__ = _touched
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __float__ = _touched
    __int__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __index__ = __str__ = __floordiv__ = _touched
