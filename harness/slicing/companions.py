"""Packages built around a framework, translated to the framework itself: Lightning, d2l, fastai and Weights & Biases.

A model written for one of them is a model of PyTorch or Keras with a training loop around it. They add little to the
model itself, and that is written out here; their training loops are left out.
"""

from __future__ import annotations

import ast
import copy
import re
from collections.abc import Iterable

from harness.slicing import names

_LIGHTNING = re.compile(r"(?:pytorch_lightning|lightning)(?:\.\w+)*\.(?:LightningModule)$")
_D2L = re.compile(r"d2l(?:\.\w+)*\.(?:Module|Classifier)$")
_METRICS = ("torchmetrics.", "pytorch_lightning.metrics.", "lightning.pytorch.metrics.")
_STEPS = re.compile(
    r"(?:training|validation|test|predict)_step(?:_end)?$|configure_\w+$|\w+_dataloader$|on_\w+$|\w+_epoch_(?:start|end)$"
    r"|prepare_data$|setup$|teardown$|optimizer_step$|lr_scheduler_step$|loss$|plot$|train_loader$|val_loader$"
)
_STAR = "import torch\nfrom torch import nn, optim, tensor\nimport torch.nn.functional as F\nimport numpy as np"
_SETTINGS = """class Settings(dict):
    __getattr__, __setattr__ = dict.__getitem__, dict.__setitem__
wandb = Settings(config=Settings())"""


def in_own_words(tree: ast.Module) -> ast.Module:
    """The same program without these packages, as far as its models use them."""
    table = names.imports(tree)
    roots = {full.split(".")[0] for full in table.values()}
    if not roots & {"pytorch_lightning", "lightning", "d2l", "fastai", "wandb"}:
        return tree
    changed: ast.Module = _Companions(table).visit(copy.deepcopy(tree))
    if roots & {"pytorch_lightning", "lightning", "d2l"}:
        future = [node for node in changed.body if getattr(node, "module", "") == "__future__"]
        changed.body.insert(
            changed.body.index(future[-1]) + 1 if future else 0, _placed("import torch.nn", tree.body[0])[0]
        )
    return ast.fix_missing_locations(changed)


class _Companions(ast.NodeTransformer):
    def __init__(self, table: dict[str, str]) -> None:
        self._table = table

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | list[ast.stmt]:
        """A star import from fastai provides PyTorch under its usual names."""
        is_star = (node.module or "").startswith("fastai") and node.names[0].name == "*"
        return _placed(_STAR, node) if is_star else node

    def visit_Import(self, node: ast.Import) -> ast.AST | list[ast.stmt]:
        """The settings of a run are a dictionary with attributes."""
        rest = [alias for alias in node.names if (alias.name, alias.asname) != ("wandb", None)]
        if len(rest) == len(node.names):
            return node
        others: list[ast.stmt] = [ast.copy_location(ast.Import(names=rest), node)] if rest else []
        return [*others, *_placed(_SETTINGS, node)]

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Calls to Weights & Biases are left out, except for the settings."""
        if not isinstance(node.value, ast.Call) or names.root(node.value.func) != "wandb" or not self._has_wandb():
            return node
        dotted = names.dotted(node.value.func)
        if dotted == "wandb.init":
            return self._settings(node)
        return node if dotted.startswith("wandb.config.") else ast.copy_location(ast.Pass(), node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.AST]:
        """`run = wandb.init(config=...)`: the run has the settings too."""
        if not isinstance(node.value, ast.Call) or names.dotted(node.value.func) != "wandb.init":
            return node
        run = ast.copy_location(ast.Assign(targets=node.targets, value=ast.Name(id="wandb", ctx=ast.Load())), node)
        return [self._settings(node), run]

    def _has_wandb(self) -> bool:
        return self._table.get("wandb") == "wandb"

    def _settings(self, node: ast.Assign | ast.Expr) -> ast.AST:
        assert isinstance(node.value, ast.Call)
        given = next((keyword.value for keyword in node.value.keywords if keyword.arg == "config"), None)
        if given is None:
            return ast.copy_location(ast.Pass(), node)
        return _placed(f"wandb.config.update({ast.unparse(given)})", node)[0]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """A module of Lightning or d2l is a PyTorch module without its training.

        One without a forward pass only trains the model that it holds.
        """
        if not any(_is_companion(base, self._table) for base in node.bases):
            return node
        is_d2l = any(_D2L.match(names.resolved(base, self._table)) for base in node.bases)
        body = [part for part in node.body if not _STEPS.match(getattr(part, "name", ""))]
        body = [self._method(part, is_d2l) if isinstance(part, ast.FunctionDef) else part for part in body]
        if is_d2l and not any(getattr(part, "name", "") == "forward" for part in body):
            body += _placed("def forward(self, x):\n    return self.net(x)", node)
        is_model = any(getattr(part, "name", "") == "forward" for part in body)
        base = _expression("torch.nn.Module" if is_model else "object", node)
        plain = [base if _is_companion(old, self._table) else old for old in node.bases]
        new = ast.ClassDef(node.name, plain, node.keywords, body or [ast.Pass()], node.decorator_list)
        return ast.copy_location(new, node)

    def _method(self, method: ast.FunctionDef, is_d2l: bool) -> ast.FunctionDef:
        method.body = [new for part in method.body for new in self._statement(part, method, is_d2l)] or [ast.Pass()]
        return method

    def _statement(self, node: ast.stmt, method: ast.FunctionDef, is_d2l: bool) -> Iterable[ast.stmt]:
        call = getattr(node, "value", None)
        if not isinstance(call, ast.Call):
            return [node]
        if names.dotted(call.func) == "self.save_hyperparameters":
            return _saved(node, call, method, is_d2l)
        is_metric = names.resolved(call.func, self._table).startswith(_METRICS)
        return [] if is_metric and isinstance(node, ast.Assign) else [node]


def _saved(node: ast.stmt, call: ast.Call, method: ast.FunctionDef, is_d2l: bool) -> list[ast.stmt]:
    """Constructor arguments as attributes of `hparams`, or with d2l of the model itself."""
    order = [argument.arg for argument in names.arguments(method)[1:]]
    if is_d2l:
        return [part for name in order for part in _placed(f"self.{name} = {name}", node)]
    if len(call.args) == 1 and isinstance(call.args[0], ast.Name) and call.args[0].id in order:
        return _placed(f"self.hparams = {call.args[0].id}", node)
    given = ", ".join(f"{name}={name}" for name in order)
    return _placed(f"self.hparams = __import__('types').SimpleNamespace({given})", node)


def _is_companion(base: ast.expr, table: dict[str, str]) -> bool:
    full = names.resolved(base, table)
    return bool(_LIGHTNING.match(full) or _D2L.match(full))


def _expression(text: str, where: ast.AST) -> ast.expr:
    (statement,) = _placed(text, where)
    assert isinstance(statement, ast.Expr)
    return statement.value


def _placed(text: str, where: ast.AST) -> list[ast.stmt]:
    """Statements, placed at one line of the student's file."""
    body = ast.parse(text).body
    for part in (item for node in body for item in ast.walk(node)):
        ast.copy_location(part, where)
    return body
