"""Batch sizes that Keras layers are told. A graded model takes any number of images, each for itself."""

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
    """Raise SubmissionError for a recurrent layer that goes on where the batch before ended."""
    for keyword in node.keywords:
        if keyword.arg == "stateful" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True:
            found = f"stateful=True (line {node.lineno}), which goes on where the batch before ended"
            expected = "a model that looks at each image on its own"
            raise SubmissionError("model", expected, found, "leave out stateful=True, and the batch size")
