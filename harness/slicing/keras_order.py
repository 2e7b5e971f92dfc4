"""Files from the time when `keras.json` set channels first.

They have `input_shape=(1, 28, 28)` and do not mention the order. In today's order that is an image of one row with 28
channels: a valid model, but not theirs.
"""

from __future__ import annotations

import ast

from harness.slicing import names

_SAID = {"set_image_data_format", "set_image_dim_ordering", "image_data_format", "image_dim_ordering"}
_TURNED = {"Permute", "Reshape", "Lambda", "transpose", "moveaxis", "permute_dimensions", "expand_dims", "swapaxes"}
"""Calls that may move the axes, and so determine the order after all."""
_KEYWORDS = {"data_format", "dim_ordering"}
_DEPTHS = {"depth", "channels", "channel", "n_channels", "num_channels", "img_channels", "nb_channels"}
_SHAPES = {"input_shape", "shape", "batch_input_shape", "batch_shape"}
_WINDOWS = ("Conv", "MaxPool", "AveragePool", "AvgPool")


def silent_channels_first(tree: ast.Module) -> int:
    """The line where a program that never mentions the order has an input with one channel first; 0 if none."""
    calls = [part for part in ast.walk(tree) if isinstance(part, ast.Call)]
    if any(names.called(call) in _SAID | _TURNED or _KEYWORDS & {k.arg for k in call.keywords} for call in calls):
        return 0
    if not any(word in names.called(call) for call in calls for word in _WINDOWS):
        return 0
    constants = _once(tree)
    for call in calls:
        for keyword in call.keywords:
            if keyword.arg in _SHAPES and _is_one_first(keyword.value, constants):
                return call.lineno
        if names.called(call) == "Input" and call.args and _is_one_first(call.args[0], constants):
            return call.lineno
    return 0


def channels_first(line: int) -> ast.stmt:
    """The statement that sets the order, placed at this line."""
    (statement,) = ast.parse("__import__('keras').backend.set_image_data_format('channels_first')").body
    for part in ast.walk(statement):
        ast.copy_location(part, ast.Pass(lineno=line, col_offset=0, end_lineno=line, end_col_offset=0))
    return statement


def _once(tree: ast.Module) -> dict[str, ast.expr]:
    """Variables that are assigned exactly once."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                found.setdefault(getattr(target, "id", ""), []).append(node.value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _is_one_first(value: ast.expr, constants: dict[str, ast.expr]) -> bool:
    """Whether a shape is (1, rows, columns), or that behind the batch."""
    if isinstance(value, ast.Name):
        value = constants.get(value.id, value)
    parts = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
    if len(parts) == 4:
        parts = parts[1:]
    if _is_named_depth_first(parts, constants):
        return True
    sizes = [constants.get(part.id, part) if isinstance(part, ast.Name) else part for part in parts]
    numbers = [size.value if isinstance(size, ast.Constant) else None for size in sizes]
    return len(numbers) == 3 and numbers[0] == 1 and numbers[2] != 1 and numbers[1] != 1


def _is_named_depth_first(parts: list[ast.expr], constants: dict[str, ast.expr]) -> bool:
    """Whether a shape is (depth, height, width) by the names of parameters, whose values are not known here."""
    words = [part.id for part in parts if isinstance(part, ast.Name) and part.id not in constants]
    depths = [word.lower() in _DEPTHS for word in words]
    return len(parts) == 3 and depths == [True, False, False]
