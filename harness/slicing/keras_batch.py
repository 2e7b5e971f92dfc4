"""Batch sizes in Keras layers. A graded model takes any number of images and processes each independently."""

from __future__ import annotations

import ast

from harness.records.errors import SubmissionError


def shape_of_one(value: ast.expr) -> ast.expr:
    """The shape of one image, out of that of a batch."""
    if isinstance(value, (ast.Tuple, ast.List)) and value.elts and not isinstance(value.elts[0], ast.Starred):
        image: ast.expr = ast.Tuple(elts=value.elts[1:], ctx=ast.Load())
    else:
        image = ast.Subscript(value=value, slice=ast.Slice(lower=ast.Constant(1)), ctx=ast.Load())
    return ast.copy_location(image, value)


def refuse_memory(node: ast.Call) -> None:
    """Raise SubmissionError for a recurrent layer that continues where the previous batch ended."""
    for keyword in node.keywords:
        if keyword.arg == "stateful" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
            found = f"stateful=True (line {node.lineno}), which continues where the previous batch ended"
            expected = "a model that processes each image independently"
            raise SubmissionError("model", expected, found, "remove stateful=True and the batch size")
