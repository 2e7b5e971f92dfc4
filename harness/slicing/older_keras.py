"""Older Keras translated to current Keras where the meaning is certain; an error where it is not.

Works on the syntax tree, so that what runs can be shown, and each note names its line.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from harness.records.errors import SubmissionError
from harness.slicing import names
from harness.slicing.keras_batch import refuse_memory, shape_of_one
from harness.slicing.tensors import COMPUTES, MNIST, ON_SHAPES, ON_TENSORS, ONE_HOT, RESHAPES

_ROOTS = ("keras", "tensorflow.keras", "tf.keras")
_MODULES = re.compile(
    r"(?P<root>keras|tensorflow\.keras|tensorflow\.python\.keras|tensorflow\.contrib\.keras(?:\.python\.keras)?"
    r"|tensorflow\.contrib\.keras\.api\.keras|tensorflow\._api\.v2\.keras|tf_keras|keras\.api(?:\._v2)?(?:\.keras)?)"
    r"(?P<rest>\..*)?$"
)
_LAYERS = re.compile(
    r"\.layers\.(?:core|convolutional|pooling|normalization|advanced_activations|recurrent|embeddings|merge|noise|local"
    r"|wrappers|experimental\.preprocessing|preprocessing|layers|activation|reshaping|regularization|attention|merging"
    r"|rnn|normalization\.batch_normalization|convolutional\.conv2d|core\.dense|noise\.dropout).*$"
)
_ENGINE = re.compile(r"\.engine(?:\..*)?$")
_FROM_ENGINE = {"Input": "layers", "InputLayer": "layers", "Layer": "layers", "InputSpec": "layers"}
_FROM_ENGINE |= {"Model": "models", "Sequential": "models"}

_RENAMED = {
    "nb_filter": "filters",
    "border_mode": "padding",
    "subsample": "strides",
    "init": "kernel_initializer",
    "output_dim": "units",
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "weights_init": "kernel_initializer",
    "bias": "use_bias",
    "nb_units": "units",
    "pool_length": "pool_size",
}
_CONVOLUTIONS = {
    "Convolution2D": "Conv2D",
    "AtrousConvolution2D": "Conv2D",
    "SeparableConvolution2D": "SeparableConv2D",
}
_LAYER_NAMES = set(
    """Dense Conv2D Convolution2D SeparableConv2D SeparableConvolution2D AtrousConvolution2D MaxPooling2D MaxPool2D
    AveragePooling2D AvgPool2D Dropout SpatialDropout2D GaussianDropout GaussianNoise BatchNormalization Flatten
    ZeroPadding2D Activation Conv1D Convolution1D LeakyReLU InputLayer Reshape LocallyConnected2D Embedding LSTM GRU
    SimpleRNN Lambda Permute""".split()
)
_GONE = {
    "merge": "keras.layers.concatenate, add or multiply",
    "Merge": "keras.layers.Concatenate, Add or Multiply",
    "MaxoutDense": "keras.layers.Dense and keras.ops.max",
    "Highway": "layers of your own",
    "TimeDistributedDense": "keras.layers.TimeDistributed(keras.layers.Dense(...))",
    "LocallyConnected2D": "keras.layers.Conv2D",
    "CuDNNLSTM": "keras.layers.LSTM",
    "CuDNNGRU": "keras.layers.GRU",
    "Graph": "keras.Model",
}
_REMOVED = set("ThresholdedReLU LocallyConnected1D Convolution3D".split())
"""Importing one of these is harmless if nothing uses it."""
_UNWRAPPED = {"multi_gpu_model"}
_OPTIMIZERS = set("SGD Adam RMSprop Adagrad Adadelta Adamax Nadam".split())
_SETTINGS_OF_1 = set("disable_v2_behavior disable_eager_execution enable_eager_execution enable_v2_behavior".split())
_DROPPED = {"trainable_weights", "fused", "mode", "virtual_batch_size", "renorm"}
_ERA_OF_KERAS_1 = {"nb_filter", "nb_row", "nb_col", "border_mode", "subsample", "dim_ordering", "W_regularizer", "init"}


@dataclass(frozen=True)
class Note:
    """How one line was read."""

    line: int
    text: str


class OlderKeras(ast.NodeTransformer):
    """Rewrites one tree. `notes` has what was changed. Raises SubmissionError if a meaning is not certain."""

    def __init__(self, table: dict[str, str], tree: ast.Module) -> None:
        self._table = table
        kinds = (ast.FunctionDef, ast.ClassDef)
        self._own = {node.name for node in ast.walk(tree) if isinstance(node, kinds)}
        self._star = next((module for name, module in table.items() if name.startswith("*") and "keras" in module), "")
        self._keras_1 = _is_keras_1(tree)
        self._inside = 0
        self._is_graph = any(isinstance(n, ast.Call) and names.called(n) == "Input" for n in ast.walk(tree))
        self._computes = 0
        self._read = {part.id for part in ast.walk(tree) if isinstance(part, ast.Name)}
        self.notes: list[Note] = []

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | list[ast.AST]:
        """Modules that have moved."""
        module = node.module or ""
        if node.level or not (match := _MODULES.match(module)):
            return node
        root, rest = _root(match["root"]), match["rest"] or ""
        if _ENGINE.match(rest):
            return [self._from(node, f"{root}.{_FROM_ENGINE.get(a.name, 'layers')}", [a]) for a in node.names]
        rest = ".layers" if _LAYERS.match(rest) else rest
        aliases = [a for a in node.names if a.name not in {*_GONE, *_REMOVED} or (a.asname or a.name) in self._read]
        gone = [alias for alias in aliases if alias.name in _GONE and rest == ".layers"]
        if gone:
            raise _uncertain(node, gone[0].name, _GONE[gone[0].name])
        kept = [alias for alias in aliases if alias.name not in ("np_utils", *_UNWRAPPED)]
        helpers = [alias for alias in aliases if alias.name == "np_utils"]
        if rest == ".utils.np_utils":
            rest = ".utils"
        parts = [self._from(node, root + rest, kept)] if kept else []
        for alias in helpers:
            alias = ast.alias(name="utils", asname=alias.asname or "np_utils")
            parts.append(self._from(node, root, [alias]))
        return parts or [ast.copy_location(ast.Pass(), node)]

    def _from(self, node: ast.ImportFrom, module: str, aliases: list[ast.alias]) -> ast.AST:
        if module != node.module:
            self._note(node, f"{node.module} is now {module}")
        aliases = [self._alias(alias) for alias in aliases]
        return ast.copy_location(ast.ImportFrom(module=module, names=aliases, level=0), node)

    def _alias(self, alias: ast.alias) -> ast.alias:
        if alias.name == "maxnorm":
            return ast.alias(name="max_norm", asname=alias.asname or "maxnorm")
        return alias

    def visit_Import(self, node: ast.Import) -> ast.AST:
        """Modules that have moved, imported whole."""
        aliases = []
        for alias in node.names:
            match = _MODULES.match(alias.name)
            name = alias.name
            if match:
                rest = match["rest"] or ""
                rest = ".layers" if _LAYERS.match(rest) else ".utils" if rest == ".utils.np_utils" else rest
                name = _root(match["root"]) + rest
            if name != alias.name:
                self._note(node, f"{alias.name} is now {name}")
            aliases.append(ast.alias(name=name, asname=alias.asname))
        return ast.copy_location(ast.Import(names=aliases), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """What a function computes may be a part of the model."""
        return self._within(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """The same for a class, whose layers compute with tensors."""
        self._computes += 1
        self._within(node)
        self._computes -= 1
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        """What a Lambda layer computes."""
        self._computes += 1
        self.generic_visit(node)
        self._computes -= 1
        return node

    def _within(self, node: ast.AST) -> ast.AST:
        self._inside += 1
        self.generic_visit(node)
        self._inside -= 1
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Settings of TensorFlow 1 that current layers do not need."""
        if isinstance(node.value, ast.Call) and names.called(node.value) in _SETTINGS_OF_1:
            self._note(node, f"{names.called(node.value)}() is left out")
            return ast.copy_location(ast.Pass(), node)
        self.generic_visit(node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Modules that have moved, where they are spelled out: `keras.layers.core.Dense`."""
        self.generic_visit(node)
        full = names.resolved(node, self._table)
        if not full.startswith(_ROOTS):
            return node
        for tail in ("core", "convolutional", "pooling", "normalization", "advanced_activations"):
            if full.endswith(f".layers.{tail}"):
                return node.value
        if full.endswith((".utils.np_utils", "experimental.preprocessing")):
            return node.value
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Layers, their keywords, and calls that ask for the data or the order of axes."""
        self.generic_visit(node)
        full = self._resolved(node.func)
        name = full.split(".")[-1]
        if name == "load_data" and full.split(".")[-2:-1] in (["mnist"], ["fashion_mnist"]) and self._is_keras(full):
            self._note(node, "the data are not read: their shapes are those of MNIST, and their contents are unknown")
            return ast.copy_location(ast.Call(func=_name(MNIST, node), args=[], keywords=[]), node)
        if name == "to_categorical" and self._is_keras(full):
            return _call(node, node.args, node.keywords, _name(ONE_HOT, node))
        if name == "image_dim_ordering":
            return self._dim_ordering(node)
        if name == "set_image_dim_ordering" and node.args:
            return self._set_dim_ordering(node)
        if name in _GONE and self._is_keras(full) and ".layers." in full:
            raise _uncertain(node, name, _GONE[name])
        if full in RESHAPES and node.args and not self._inside:
            return _call(node, [node.func, *node.args], node.keywords, _name(ON_SHAPES, node))
        if self._is_graph and not self._computes and COMPUTES.match(full):
            return _call(node, [node.func, *node.args], node.keywords, _name(ON_TENSORS, node))
        if name in _UNWRAPPED and node.args:
            self._note(node, f"{name}() is left out: the model inside is used")
            return node.args[0]
        if name in _OPTIMIZERS and self._is_keras(full):
            return self._optimizer(node)
        if name == "Model" and self._is_keras(full):
            return self._renamed(node, {"input": "inputs", "output": "outputs"})
        if name in _LAYER_NAMES and self._is_keras(full):
            return self._layer(node, name, full)
        return node

    def _resolved(self, function: ast.expr) -> str:
        """What is called, by the imports; an unknown name comes from a star import, unless the file defines it."""
        full = names.resolved(function, self._table)
        if self._star and full and "." not in full and full not in self._own:
            return f"{self._star}.{full}"
        return full

    def _is_keras(self, full: str) -> bool:
        return full.startswith(_ROOTS)

    def _layer(self, node: ast.Call, name: str, full: str) -> ast.Call:
        node = self._renamed(node, _RENAMED if name != "Embedding" else {})
        node = self._settings(node)
        refuse_memory(node)
        if name in {*_CONVOLUTIONS, "Conv2D", "SeparableConv2D"}:
            node = self._convolution(node, name, full)
        if name == "InputLayer":
            node = self._renamed(node, {"batch_input_shape": "batch_shape"})
        if name in ("Dropout", "SpatialDropout2D", "GaussianDropout"):
            node = self._renamed(node, {"p": "rate"})
        if name in ("AveragePooling2D", "AvgPool2D") and not node.args and "pool_size" not in _given(node):
            size = ast.keyword(arg="pool_size", value=_located("(2, 2)", node))
            node = _call(node, [], [size, *node.keywords])
        return node

    def _optimizer(self, node: ast.Call) -> ast.Call:
        """The learning rate's old name, and its decay, which no longer exists. Neither is graded."""
        node = self._renamed(node, {"lr": "learning_rate"})
        return _call(node, node.args, [keyword for keyword in node.keywords if keyword.arg != "decay"])

    def _renamed(self, node: ast.Call, table: dict[str, str]) -> ast.Call:
        keywords = []
        for keyword in node.keywords:
            new = table.get(keyword.arg or "")
            if new:
                self._note(node, f"{keyword.arg}= is now {new}=")
            keywords.append(ast.keyword(arg=new or keyword.arg, value=keyword.value))
        return _call(node, node.args, keywords)

    def _settings(self, node: ast.Call) -> ast.Call:
        """Keywords whose values changed too."""
        keywords = []
        for keyword in node.keywords:
            if keyword.arg == "dim_ordering":
                keywords.append(ast.keyword(arg="data_format", value=self._data_format(node, keyword.value)))
            elif keyword.arg == "batch_input_shape" and names.called(node) != "InputLayer":
                self._note(node, "batch_input_shape= is input_shape= without its first number, the batch size")
                keywords.append(ast.keyword(arg="input_shape", value=shape_of_one(keyword.value)))
            elif keyword.arg in _DROPPED and _is_default(keyword.value):
                self._note(node, f"{keyword.arg}= is left out: its value is the default now")
            else:
                keywords.append(keyword)
        return _call(node, node.args, keywords)

    def _convolution(self, node: ast.Call, name: str, full: str) -> ast.Call:
        """`Convolution2D(6, 5, 5)` meant a kernel of 5x5; today it would be a stride of 5."""
        rows = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg in ("nb_row", "nb_col")}
        args, keywords = list(node.args), [k for k in node.keywords if k.arg not in ("nb_row", "nb_col")]
        given = {keyword.arg for keyword in keywords}
        kernel: list[ast.expr] = []
        if len(rows) == 2:
            kernel = [rows["nb_row"], rows["nb_col"]]
        elif len(rows) == 1 and len(args) == 2 and "nb_col" in rows:
            kernel = [args.pop(), rows["nb_col"]]
        elif len(args) == 3 and not given & {"kernel_size"} and not _is_pair(args[1]) and not _is_pair(args[2]):
            if not self._is_size(node, name, full, args):
                return node
            kernel = args[1:]
            del args[1:]
        elif len(args) > 3 and name in _CONVOLUTIONS and _is_number(args[1]) and _is_number(args[2]):
            kernel = args[1:3]
            names_of_rest = ["kernel_initializer", "activation"]
            keywords = [
                *[ast.keyword(arg=n, value=v) for n, v in zip(names_of_rest, args[3:], strict=False)],
                *keywords,
            ]
            del args[1:]
        if not kernel:
            return node
        size = ast.copy_location(ast.Tuple(elts=kernel, ctx=ast.Load()), node)
        self._note(
            node, f"{name}({ast.unparse(node.args[0]) if node.args else ''}, ...) has a kernel of {ast.unparse(size)}"
        )
        return _call(node, args, [ast.keyword(arg="kernel_size", value=size), *keywords])

    def _is_size(self, node: ast.Call, name: str, full: str, args: list[ast.expr]) -> bool:
        """Whether a third plain argument is the kernel's width. Raises SubmissionError if it is ambiguous."""
        written = f"{name}({', '.join(ast.unparse(arg) for arg in args)})"
        if name in _CONVOLUTIONS or self._keras_1:
            return True
        if ast.unparse(args[2]) == "1" or full.startswith(("tensorflow", "tf.")):
            self._note(node, f"{written} has strides of {ast.unparse(args[2])}")
            return False
        found = f"{written} (line {node.lineno}), which used to give both kernel sizes and now gives a stride"
        try_ = "write kernel_size=(5, 5), or strides=5 if that is meant"
        raise SubmissionError("model", "an unambiguous convolution", found, try_)

    def _data_format(self, node: ast.Call, value: ast.expr) -> ast.expr:
        if isinstance(value, ast.Constant) and value.value in ("th", "tf"):
            new = "channels_first" if value.value == "th" else "channels_last"
            self._note(node, f'dim_ordering="{value.value}" is now data_format="{new}"')
            return ast.copy_location(ast.Constant(value=new), value)
        raise _uncertain(node, "dim_ordering", "data_format")

    def _dim_ordering(self, node: ast.Call) -> ast.AST:
        self._note(node, "image_dim_ordering() is now image_data_format()")
        text = '("th" if keras.backend.image_data_format() == "channels_first" else "tf")'
        return _located(text.replace("keras.backend", "__import__('keras').backend"), node)

    def _set_dim_ordering(self, node: ast.Call) -> ast.AST:
        new = self._data_format(node, node.args[0])
        return _located(f"__import__('keras').backend.set_image_data_format({ast.unparse(new)})", node)

    def _note(self, node: ast.AST, text: str) -> None:
        self.notes.append(Note(getattr(node, "lineno", 0), text))


def _root(root: str) -> str:
    return "tensorflow.keras" if root.startswith("tensorflow") else "keras"


def _is_keras_1(tree: ast.Module) -> bool:
    """Whether a file has keywords that only Keras 1 had."""
    calls = (part for part in ast.walk(tree) if isinstance(part, ast.Call))
    return any(k.arg in _ERA_OF_KERAS_1 and names.called(call) in _LAYER_NAMES for call in calls for k in call.keywords)


def _is_pair(value: ast.expr) -> bool:
    return isinstance(value, (ast.Tuple, ast.List)) or (
        isinstance(value, ast.Constant) and isinstance(value.value, str)
    )


def _given(node: ast.Call) -> set[str]:
    return {keyword.arg or "" for keyword in node.keywords}


def _is_number(value: ast.expr) -> bool:
    return not _is_pair(value)


def _is_default(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value in (0, None, False, True)


def _name(name: str, where: ast.AST) -> ast.Name:
    return ast.copy_location(ast.Name(id=name, ctx=ast.Load()), where)


def _call(
    node: ast.Call, args: list[ast.expr], keywords: list[ast.keyword], function: ast.expr | None = None
) -> ast.Call:
    return ast.copy_location(ast.Call(func=function or node.func, args=args, keywords=keywords), node)


def _located(text: str, where: ast.AST) -> ast.expr:
    tree = ast.parse(text, mode="eval").body
    for part in ast.walk(tree):
        ast.copy_location(part, where)
    return tree


def _uncertain(node: ast.AST, found: str, modern: str) -> SubmissionError:
    line = getattr(node, "lineno", 0)
    return SubmissionError(
        "model", "layers that exist in current Keras", f"{found} (line {line}), which was removed", f"use {modern}"
    )
