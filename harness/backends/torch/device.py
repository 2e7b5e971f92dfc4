"""A model written for a GPU, built and run on a processor: every other device is read as `cpu`."""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_OTHERS = ("cuda", "mps", "xpu", "hip")


class OnProcessor(TorchFunctionMode):
    """Puts `cpu` in place of a device that the graph is not to depend on, in every call of a torch function."""

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
    """Leaves out the operators of oneDNN: it has a whole recurrent layer in one, which no audit could look into."""
    return torch.backends.mkldnn.flags(enabled=False, allow_tf32=None)  # to set TF32 either way is a warning


def leave_uncompiled() -> None:
    """Compiling changes no model, and its imports alone take longer than a check may: give back what is given."""
    torch.compile = _unchanged
    torch.jit.script = _unchanged
    torch.jit.trace = _unchanged


def _unchanged(model: Any = None, *_: Any, **__: Any) -> Any:
    return model if model is not None else (lambda function: function)
