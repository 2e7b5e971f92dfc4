"""How much data is written into the code that defines a model, and when it is reported."""

import ast
import json

import pytest

from harness.experiments.examine import examine
from harness.handins.discover import take_in
from harness.records.check import Outcome
from harness.records.framework import Framework
from harness.records.submission import SourceFile, Submission
from harness.scoring.findings import SOURCE_DATA_LIMIT, source_data
from harness.slicing.literals import literals
from harness.slicing.program import plan
from harness.tasks.assignment import Assignment
from reference.lenet5 import LENET5

MODEL = {
    Framework.TORCH: "import torch\nfrom torch import nn\n{}\n"
    "def build_model():\n    table = {}\n    return nn.Sequential(nn.Flatten(), nn.Linear(784, 10 if table else 10))\n",
    Framework.TENSORFLOW: "import keras\n{}\ndef build_model():\n    table = {}\n"
    "    return keras.Sequential([keras.Input((784,)), keras.layers.Dense(10 if table else 10)])\n",
}
NUMBERS = "[" + ", ".join(f"0.{number}1" for number in range(1000, 4500)) + "]"


def count(source):
    return dict(literals(ast.parse(source)))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = 'abcd'", {1: 4}),
        ("x = 'aé'", {1: 3}),
        ("x = b'\\x00\\x01'", {1: 2}),
        ("x = 12345", {1: 5}),
        ("x = -0.25", {1: 4}),
        ("x = 3j", {1: 2}),
        ("x = None, ...", {1: 0}),
        ("x = True", {1: 1}),
        ("x = f'ab{y}cd'", {1: 4}),
        ("x = [\n 11,\n 22,\n]\ny = 3", {1: 4, 5: 1}),
        ("def f():\n    '''A docstring'''\n    return 'abc'", {3: 3}),
        ("'''A docstring'''\n# a comment\n'a string alone'", {}),
        ("class C:\n    '''Says'''\n    x: 'Type' = 10", {3: 6}),
        ("x = '\\ud800'", {1: 3}),
    ],
)
def test_literals_are_counted_by_the_line_of_their_statement(source, expected):
    assert count(source) == expected


def test_a_number_of_any_length_is_counted():
    assert abs(count(f"x = 0x{'f' * 20_000}")[1] - 24_083) <= 1


def test_a_deep_tree_needs_no_stack():
    tree = ast.Constant(1)
    for _ in range(100_000):
        tree = ast.UnaryOp(ast.USub(), tree)
    module = ast.Module([ast.Expr(tree, lineno=1)], [])
    assert dict(literals(module)) == {1: 1}
    while isinstance(tree, ast.UnaryOp):  # freed from the outside in: Python's own way down would need a stack
        tree.operand, tree = ast.Constant(1), tree.operand


def test_only_the_code_that_defines_the_model_counts():
    source = "import matplotlib.pyplot as plt\n" + MODEL[Framework.TORCH].format("", "[1, 2]")
    source += f"table = {NUMBERS}\nplt.plot(table)\nmodel = build_model()\n"
    program = plan({"model.py": source.encode()}, "model.py", "", Framework.TORCH)
    assert sum(literals(program.tree).values()) < 20


def test_more_than_the_limit_is_reported_with_its_place():
    assert source_data(SOURCE_DATA_LIMIT, ["model.py, line 3"]).outcome is Outcome.PASSED
    check = source_data(SOURCE_DATA_LIMIT + 1, ["model.py, line 3 (15,000 bytes)", "data.py, line 1 (1,001 bytes)"])
    assert (check.outcome, check.brief) == (Outcome.FAILED, "16 KB")
    assert check.expected == "at most 16 KB of numbers, strings and bytes in the code that defines the model"
    assert check.found.endswith("most of them in model.py, line 3 (15,000 bytes); data.py, line 1 (1,001 bytes)")
    assert check.try_


def submission(framework, before, inside, **others):
    files = {"model.py": MODEL[framework].format(before, inside), **others}
    found = tuple(SourceFile(name.replace("__", "."), text.encode()) for name, text in files.items())
    return Submission("ada", found, "model.py", framework)


def reported(zygotes, found):
    examined = examine(found, zygotes.get(found.framework), [0], Assignment(architecture="free"), LENET5)
    (check,) = (check for check in examined.verdict.checks if check.id == "source_data")
    return check


@pytest.mark.frameworks
@pytest.mark.parametrize("framework", Framework, ids=str)
def test_data_is_found_in_the_file_and_in_those_that_it_imports(framework, zygotes):
    check = reported(zygotes, submission(framework, "", NUMBERS))
    assert (check.outcome, check.brief) == (Outcome.FLAGGED, "24 KB")
    line = 5 if framework is Framework.TORCH else 4
    assert f"model.py, line {line} (24," in check.found
    check = reported(
        zygotes, submission(framework, "from data import TABLE", "TABLE", data__py=f"\nTABLE = {NUMBERS}\n")
    )
    assert (check.outcome, check.brief) == (Outcome.FLAGGED, "24 KB")
    assert "data.py, line 2 (24," in check.found


@pytest.mark.frameworks
@pytest.mark.parametrize("framework", Framework, ids=str)
def test_long_documentation_is_not_data(framework, zygotes):
    help_text = '"""' + "How to use it. " * 2_000 + '"""'
    comment = "\n".join("# 0.123456789" for _ in range(2_000))
    assert reported(zygotes, submission(framework, f"{help_text}\n{comment}", "[]")).outcome is Outcome.PASSED


@pytest.mark.frameworks
def test_data_in_a_notebook_is_reported_with_its_cell(zygotes, tmp_path):
    cells = [MODEL[Framework.TORCH].format("", NUMBERS), "model = build_model()\nmodel.train()"]
    content = {"cells": [{"cell_type": "code", "source": cell} for cell in ("import numpy", *cells)], "metadata": {}}
    (tmp_path / "model.ipynb").write_text(json.dumps(content))
    check = reported(zygotes, take_in(tmp_path / "model.ipynb"))
    assert check.outcome is Outcome.FLAGGED
    assert "model.ipynb, code cell 2, line 5 (24," in check.found
