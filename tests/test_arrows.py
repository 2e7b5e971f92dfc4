"""Each contract of `.importlinter` holds, and bites: with one forbidden import planted it is the one that is broken."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACT = "importlinter:contract:"
PLANTED = [
    ("layers", "harness/records/graph.py", "import harness.tasks.assignment"),
    ("layers", "harness/storage/store.py", "import harness.scoring.score"),
    ("layers", "harness/loose.py", ""),
    ("circles", "harness/slicing/names.py", "import harness.slicing.program"),
    ("torch", "harness/child/worker.py", "import torch"),
    ("torch", "harness/backends/tensorflow/replay.py", "from torch import fx"),
    ("tensorflow", "harness/cli/doctor.py", "import tensorflow"),
    ("tensorflow", "harness/backends/torch/replay.py", "import keras"),
    ("safetensors", "harness/artifact/weights.py", "import safetensors"),
    ("llvmlite", "harness/experiments/plan.py", "import llvmlite"),
    ("llvmlite", "harness/backends/torch/trace.py", "from llvmlite import binding"),
    ("layers", "harness/engine/chain.py", "import harness.backends.base"),
    ("beside-student-code", "harness/engine/chain.py", "import harness.datasets.mnist"),
    ("onnx", "harness/language/text.py", "import onnx"),
    ("by-name", "harness/child/worker.py", "import harness.backends.torch.backend"),
    ("by-name", "harness/child/worker.py", "import harness.backends.tensorflow.replay"),
    ("by-name", "harness/backends/torch/trace.py", "import harness.backends.tensorflow.imported"),
    ("beside-student-code", "harness/child/train.py", "import harness.datasets.mnist"),
    ("beside-student-code", "harness/slicing/names.py", "import harness.storage.store"),
    ("pure", "harness/reports/html.py", "import sqlite3"),
    ("pure", "harness/scoring/score.py", "import subprocess"),
    ("pure", "reference/lenet5.py", "import harness.storage.store"),
]


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    for package in ("harness", "reference"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "*.gz"))
    shutil.copy(ROOT / ".importlinter", folder)
    return folder


def lint(tree, *options):
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", *options],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def contracts(tree):
    config = configparser.ConfigParser()
    config.read(tree / ".importlinter")
    return {name.removeprefix(CONTRACT): config[name]["name"] for name in config if name.startswith(CONTRACT)}


def test_every_contract_is_kept(tree):
    answer = lint(tree)
    assert f"{len(contracts(tree))} kept, 0 broken" in answer.stdout, answer.stdout + answer.stderr


def test_every_contract_is_tried(tree):
    assert {name for name, _, _ in PLANTED} == set(contracts(tree))


@pytest.mark.parametrize(("contract", "path", "line"), PLANTED)
def test_a_planted_import_breaks_its_contract(tree, contract, path, line):
    file = tree / path
    before = file.read_text(encoding="utf-8") if file.exists() else None
    try:
        file.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
        answer = lint(tree, "--contract", contract)
    finally:
        file.unlink() if before is None else file.write_text(before, encoding="utf-8")
    assert answer.returncode == 1
    assert f"{contracts(tree)[contract]} BROKEN" in answer.stdout, answer.stdout + answer.stderr
