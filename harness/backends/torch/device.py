"""A model written for a GPU, built and run on a processor: every other device is read as `cpu`."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_OTHERS = ("cuda", "mps", "xpu", "hip")


class OnProcessor(TorchFunctionMode):
    """Replaces devices with `cpu` in every call of a torch function, so that the graph does not depend on them."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function in (torch.Tensor.cuda, torch.Tensor.xpu):
            return args[0]
        kwargs = {name: _on_processor(value) for name, value in (kwargs or {}).items()}
        return function(*(_on_processor(value) for value in args), **kwargs)


def _on_processor(value: Any) -> Any:
    if isinstance(value, torch.device):
        return torch.device("cpu") if value.type in _OTHERS else value
    if isinstance(value, str) and value.split(":")[0] in _OTHERS:
        return "cpu"
    return value


def without_onednn() -> contextlib.AbstractContextManager[None]:
    """Turns off oneDNN's operators: one of them is a whole recurrent layer, which could not be audited."""
    return torch.backends.mkldnn.flags(enabled=False, allow_tf32=None)  # setting TF32 either way causes a warning


def leave_uncompiled() -> None:
    """Compiling does not change a model, and its imports alone take longer than a check may: return the model
    unchanged."""
    torch.compile = _unchanged
    torch.jit.script = _unchanged
    torch.jit.trace = _unchanged


def _unchanged(model: Any = None, *_: Any, **__: Any) -> Any:
    return model if model is not None else (lambda function: function)
