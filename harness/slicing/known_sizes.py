"""Sizes that a program takes from its data and that are known for MNIST: rows, columns, pixels, one channel, ten
classes.

Only for a model that cannot be determined otherwise, because it depends on data that are never read. The meaning of a
size follows from where it is used: an image's shape by the convolution that takes it, the pixels by a dense layer's
`input_dim`, the classes by a count of different labels. A file that mentions other data is left alone, and so is one
that does more with its images than `plain_data` knows: its sizes may differ.
"""

from __future__ import annotations

import ast
import copy
import re

from harness.slicing import names
from harness.slicing.arguments import known
from harness.slicing.kinds import Kinds
from harness.slicing.plain_data import is_plain

_OURS = re.compile(r"mnist|digit|\b28\b|\b784\b", re.I)
_OTHERS = re.compile(
    r"cifar|svhn|emnist|kmnist|imagenet|celeba|\biris\b|boston|titanic|heart|letters?\b|alphabet|cats?\b|dogs?\b|flower"
    r"|\bpad\b|\.pad\(|resize|crop|isin\(|(?:label|target|\by\w*)\]? *(?:<|>|!=|==) *\d|channels_first|Resize|\bPad\(",
    re.I,
)
_LABELS = re.compile(
    r"(?:y|labels?|targets?)(?:_|$)|(?:\w+_)?(?:labels?|targets?|[yY])$|[yY]_?[tT]\w+$|(?:train|test)_?[yY]$"
)
_FIRST = {"Conv2D", "Convolution2D", "SeparableConv2D"}


def is_about_mnist(source: str) -> bool:
    """Whether a file mentions MNIST, and nothing that would change the sizes of its images."""
    return bool(_OURS.search(source)) and not _OTHERS.search(source)


class KnownSizes(ast.NodeTransformer):
    """Replaces sizes that a program reads from data with MNIST's. `found` lists the replacements."""

    def __init__(self, tree: ast.Module, kinds: Kinds, shape: str) -> None:
        self._tree, self._kinds, self._shape = tree, kinds, shape
        self._once = _assigned_once(tree)
        self._is_first_conv = _first_layer(tree) in _FIRST
        self.found: list[tuple[int, str]] = []

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """A count of classes, a first layer, or a model of the file's own."""
        self.generic_visit(node)
        name = names.called(node)
        if name == "len" and len(node.args) == 1 and _gives_classes(node.args[0]):
            return self._put(node, "10")
        if names.dotted(node.func) in self._kinds.model_classes():
            return self._own(node)
        for keyword in node.keywords:
            if keyword.arg in ("input_shape", "shape", "input_dim"):
                keyword.value = self._input(keyword.value, name, keyword.arg)
        if name in ("Input", "InputLayer") and len(node.args) == 1:
            node.args = [self._input(node.args[0], name, "shape")]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """`info.features["label"].num_classes`."""
        self.generic_visit(node)
        is_count = node.attr == "num_classes" and "features" in ast.unparse(node.value)
        return self._put(node, "10") if is_count and isinstance(node.ctx, ast.Load) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """`y_train.shape[1]` of labels as one-hot rows."""
        self.generic_visit(node)
        if _is_shape(node.value) and _index(node) in ("1", "-1") and _LABELS.match(names.root(node.value)):
            return self._put(node, "10")
        return node

    def _own(self, node: ast.Call) -> ast.Call:
        """Arguments of a model of the file, by parameter name, if not literals."""
        constructor = self._kinds.facts.classes[names.dotted(node.func)]
        methods = (part for part in constructor.body if isinstance(part, ast.FunctionDef) and part.name == "__init__")
        order = [argument.arg for method in methods for argument in names.arguments(method)][1:]
        if len(node.args) <= len(order) and not any(isinstance(value, ast.Starred) for value in node.args):
            pairs = zip(order, node.args, strict=False)
            node.args = [self._argument(parameter, value, order) for parameter, value in pairs]
        for keyword in node.keywords:
            keyword.value = self._argument(keyword.arg or "", keyword.value, order)
        return node

    def _argument(self, parameter: str, value: ast.expr, order: list[str]) -> ast.expr:
        text = known(parameter, self._shape, order)
        is_read = any(isinstance(part, (ast.Attribute, ast.Subscript)) for part in ast.walk(self._behind(value)))
        return self._put(value, text) if text and is_read else value

    def _input(self, value: ast.expr, layer: str, keyword: str) -> ast.expr:
        """The input shape or size given to a first layer."""
        behind = self._behind(value)
        if layer in _FIRST or (layer.startswith("Input") and self._is_first_conv):
            is_whole = isinstance(behind, ast.Subscript) and _is_shape(behind.value) and _index(behind) == "1:"
            is_image = _is_shape(behind) and isinstance(getattr(behind, "value", None), ast.Subscript)
            return self._put(value, "(28, 28, 1)") if is_whole or is_image else value
        if layer != "Dense":
            return value
        if keyword == "input_dim" and _is_pixels(behind):
            return self._put(value, "784")
        parts = behind.elts if isinstance(behind, ast.Tuple) else []
        is_row = len(parts) == 1 and _is_pixels(self._behind(parts[0]))
        return self._put(value, "(784,)") if is_row else value

    def _behind(self, value: ast.expr) -> ast.expr:
        return self._once.get(value.id, value) if isinstance(value, ast.Name) else value

    def _put(self, node: ast.expr, text: str) -> ast.expr:
        if not is_plain(node, self._tree, self._kinds.facts):
            return node
        self.found.append((node.lineno, f"{ast.unparse(node)} is {text} for MNIST"))
        new = ast.parse(text, mode="eval").body
        for part in ast.walk(new):
            ast.copy_location(part, node)
        return new


def with_known_sizes(tree: ast.Module, kinds: Kinds, shape: str) -> tuple[ast.Module, list[tuple[int, str]]]:
    """A copy of a program with MNIST's sizes in it, and a line number and a note for each."""
    sizes = KnownSizes(tree, kinds, shape)
    changed: ast.Module = sizes.visit(copy.deepcopy(tree))
    return changed, sizes.found


def _gives_classes(value: ast.expr) -> bool:
    """`np.unique(y)`, `set(labels)`, `dataset.classes`."""
    if isinstance(value, ast.Attribute):
        return value.attr == "classes"
    is_labels = isinstance(value, ast.Call) and value.args and bool(_LABELS.search(_last_word(value.args[0])))
    return bool(is_labels) and names.called(value) in ("unique", "set")  # type: ignore[arg-type]


def _last_word(value: ast.expr) -> str:
    if isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant):
        return str(value.slice.value)
    return value.attr if isinstance(value, ast.Attribute) else names.root(value)


def _is_shape(value: ast.AST) -> bool:
    return isinstance(value, ast.Attribute) and value.attr == "shape"


def _is_pixels(value: ast.expr) -> bool:
    return isinstance(value, ast.Subscript) and _is_shape(value.value) and _index(value) in ("1", "-1")


def _index(value: ast.expr) -> str:
    return ast.unparse(value.slice) if isinstance(value, ast.Subscript) else ""


def _first_layer(tree: ast.Module) -> str:
    """The first layer with weights that a program names."""
    calls = [part for part in ast.walk(tree) if isinstance(part, ast.Call)]
    layers = sorted(
        (c for c in calls if names.called(c) in {*_FIRST, "Dense", "LSTM"}), key=lambda c: (c.lineno, c.col_offset)
    )
    return names.called(layers[0]) if layers else ""


def _assigned_once(tree: ast.Module) -> dict[str, ast.expr]:
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                found.setdefault(names.dotted(target), []).append(node.value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}
