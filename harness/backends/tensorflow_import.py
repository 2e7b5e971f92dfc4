"""Import TensorFlow and Keras in two thirds of the usual time: `harness check` must answer within seconds.

Two things make the usual import slow without being of use here (measured on two cores, warm disk, garbage collector
off: 5.7 s as it is, 4.1 s with the first, 3.7 s with both):

1. TensorFlow and Keras try to import packages they can do without, pandas and scipy among them. They are hidden while
   the import runs; a submission that imports one of them afterwards gets it.
2. TensorFlow's public interface imports every corner of itself. The corners that Keras does not touch are loaded on
   first use (`importlib.util.LazyLoader`), so that `tf.signal` still works.

The import creates no tensor, context or device: a process that forks after it has one thread and works.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType

_OPTIONAL = "h5py IPython jax matplotlib pandas PIL scipy sklearn tensorboard tensorflow_text torch"
_RARE = """__internal__.feature_column audio compat experimental feature_column lite lookup mlir profiler quantization
    signal summary test tpu xla"""
_LAZY = {f"tensorflow._api.v2.{name}" for name in _RARE.split()}


class _LazyFinder(importlib.abc.MetaPathFinder):
    """Finds the rarely used corners of TensorFlow, to be loaded when one of their names is asked for."""

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
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in hidden:
            sys.modules.pop(name, None)


# TensorFlow turns its faster kernels (oneDNN) off on processors without VNNI, where they are still four times faster.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

with _shortened():
    import keras
    import tensorflow as tf

__all__ = ["keras", "tf"]
