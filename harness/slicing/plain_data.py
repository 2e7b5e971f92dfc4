"""Whether a variable holds plain MNIST: read, and then only cast, scaled, split or given an axis.

Padding, cropping, selecting or computing features changes the sizes, and assuming MNIST's would lead to a different
model. So every step from the file to the variable must be known to keep the sizes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from harness.slicing import names
from harness.slicing.effects import Facts, statements

_KEEPS = set(
    """load_data read_csv fetch_openml fetch_mldata MNIST FashionMNIST load read_data_sets loadtxt genfromtxt open read
    unpack fromfile frombuffer join expanduser reshape astype drop to_numpy as_matrix get_values array asarray float32
    int64 expand_dims train_test_split fit transform fit_transform StandardScaler MinMaxScaler OneHotEncoder
    LabelBinarizer LabelEncoder to_categorical get_dummies format len ToTensor Compose Normalize print copy shuffle
    permutation seed unique set int float str range zeros_like isnull any all describe head info value_counts from_numpy
    DataLoader view squeeze unsqueeze close dirname abspath GzipFile map batch prefetch cache Lambda type FloatTensor
    normalize_img cast tensor Variable next iter""".split()
)
"""Calls that keep the sizes of the images. `reshape` gives its sizes itself, or the place where it is used does."""
_RESIZES = {"resize", "insert", "pop", "append"}
_RESHAPED = {"reshape", "view"}
_KEPT_SIZES = {"-1", "1", "28", "784", "28 * 28", "len"}


def is_plain(value: ast.AST, tree: ast.Module, facts: Facts) -> bool:
    """Whether every variable and function behind `value` keeps the sizes of MNIST."""
    wanted, known = names.reads(value), set[str]()
    while wanted - known:
        name = min(wanted - known)
        known.add(name)
        for step in _steps(name, tree, facts):
            if not _keeps_sizes(step, facts):
                return False
            wanted |= names.reads(step) | (names.bound(step) if isinstance(step, ast.stmt) else set())
    return True


def _steps(name: str, tree: ast.Module, facts: Facts) -> Iterator[ast.AST]:
    """What gives a name its value or changes it, in the module and in its functions."""
    if name in facts.functions:
        yield from facts.functions[name].body
        return
    scopes = [tree.body, *(function.body for function in facts.functions.values())]
    for node in (part for body in scopes for part in statements(body)):
        if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and name in _targets(node):
            yield node
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and names.root(node.value.func) == name:
            yield from [node] if names.called(node.value) in _RESIZES else []


def _targets(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    parts = (part for target in targets for part in ast.walk(target))
    return {part.id for part in parts if isinstance(part, ast.Name)}


def _keeps_sizes(step: ast.AST, facts: Facts) -> bool:
    for part in ast.walk(step):
        if isinstance(part, ast.Compare) or (isinstance(part, ast.Subscript) and not _keeps_axes(part)):
            return False
        if isinstance(part, ast.Call) and not _is_known(part, facts):
            return False
    return True


def _is_known(call: ast.Call, facts: Facts) -> bool:
    name = names.called(call)
    if name in _RESHAPED:
        sizes = [item for arg in call.args for item in (arg.elts if isinstance(arg, (ast.Tuple, ast.List)) else [arg])]
        return all(not isinstance(size, ast.Constant) or ast.unparse(size) in _KEPT_SIZES for size in sizes)
    return name in _KEEPS or names.dotted(call.func) in facts.functions


def _keeps_axes(part: ast.Subscript) -> bool:
    """Whether an index keeps whole images: some of them, without the label column, or with a new axis."""
    axes = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
    cuts = [axis for axis in axes[1:] if not _is_whole(axis)]
    return not cuts or (len(axes) == 2 and ast.unparse(cuts[0]) in ("1:", ":-1", "0", "1:785", "-1"))


def _is_whole(axis: ast.expr) -> bool:
    return ast.unparse(axis) in (":", "None", "...", "np.newaxis", "numpy.newaxis", "tf.newaxis")
