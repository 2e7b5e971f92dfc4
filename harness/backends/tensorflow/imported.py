"""Import TensorFlow and Keras in 60 % of the usual time: `harness check` must answer within seconds.

Three things slow down the usual import without being needed here. CPU seconds on two cores, garbage collector off: 5.7
as it is, 4.1 with the first, 3.8 with two, 3.4 with all.

1. TensorFlow and Keras try to import packages they can do without, pandas and scipy among them. They are hidden while
   the import runs; a submission that imports one of them afterwards gets it.
2. TensorFlow's public interface imports every corner of itself, and a client of HTTP besides. What Keras does not touch
   is loaded on first use (`importlib.util.LazyLoader`), so that `tf.signal` still works.
3. Python compiles each of 18,000 type annotations given as text, though there are only some dozen different ones.

The import creates no tensor, context or device: a process that forks after it has one thread and works.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

_OPTIONAL = "h5py IPython jax matplotlib pandas PIL scipy sklearn tensorboard tensorflow_text torch"
_RARE = """__internal__.feature_column audio experimental feature_column lite lookup mlir profiler quantization
    signal summary test tpu xla"""
_LAZY = {"requests", *(f"tensorflow._api.v2.{name}" for name in _RARE.split())}


class _LazyFinder(importlib.abc.MetaPathFinder):
    """Finds rarely used modules, which are loaded when one of their names is used."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _LAZY:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = importlib.util.LazyLoader(spec.loader)
        return spec


@contextmanager
def _shortened() -> Iterator[None]:
    hidden = [name for name in _OPTIONAL.split() if name not in sys.modules]
    finder = _LazyFinder()
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None means: not to be found
    sys.meta_path.insert(0, finder)
    try:
        with _annotations_compiled_once():
            yield
    finally:
        sys.meta_path.remove(finder)
        for name in hidden:
            sys.modules.pop(name, None)


@contextmanager
def _annotations_compiled_once() -> Iterator[None]:
    convert = getattr(typing, "_type_convert", None)
    if convert is None:  # a private function; without it the import is only slower
        yield
        return
    cached = functools.cache(convert)
    patched: Any = typing
    patched._type_convert = lambda arg, *how, **named: (cached if type(arg) is str else convert)(arg, *how, **named)
    try:
        yield
    finally:
        patched._type_convert = convert


# TensorFlow turns its faster kernels (oneDNN) off on processors without VNNI, where they are still four times faster.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

with _shortened():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]
