"""Submissions on disk: every form that is taken in, and what is read from it."""

import json
import time
from pathlib import Path

import pytest
from taking_in import MODEL, accepted, refused, write

from harness.handins.discover import MAX_BYTES, discover, take_in
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.records.submission import Rejected, Submission


def test_folder_is_a_submission_named_after_it(tmp_path):
    write(tmp_path / "ada" / "model.py")
    write(tmp_path / "ada" / "parts" / "blocks.py", "x = 1\n")
    write(tmp_path / "ada" / "report.pdf", b"%PDF")
    found = accepted(tmp_path / "ada")
    assert (found.name, found.entry, found.framework) == ("ada", "model.py", Framework.TORCH)
    assert [(file.path, file.content) for file in found.files] == [
        ("model.py", b"import torch\n"),
        ("parts/blocks.py", b"x = 1\n"),
    ]


def test_single_file_is_a_submission_named_after_it(tmp_path):
    found = accepted(write(tmp_path / "ada.py", "import keras"))
    assert (found.name, found.entry, found.framework) == ("ada", "ada.py", Framework.TENSORFLOW)


def test_path_is_taken_in_relative_to_the_working_directory(tmp_path, monkeypatch):
    write(tmp_path / "ada" / "model.py")
    monkeypatch.chdir(tmp_path / "ada")
    assert accepted(Path()).name == "ada"
    assert accepted(Path("model.py")).name == "model"


@pytest.mark.parametrize(
    ("files", "entry"),
    [
        (["lenet.py"], "lenet.py"),
        (["a.py", "model.py", "z.py"], "model.py"),
        (["lib/model.py", "model.py"], "model.py"),
        (["ada/model.py", "ada/lib/model.py", "ada/train.py"], "ada/model.py"),
        (["deep/lenet.py"], "deep/lenet.py"),
    ],
)
def test_entry_is_the_topmost_model_file_or_the_only_file(tmp_path, files, entry):
    for name in files:
        write(tmp_path / "ada" / name)
    assert accepted(tmp_path / "ada").entry == entry


@pytest.mark.parametrize("files", [["a.py", "b.py"], ["my_model.py", "submodel.py"], ["Model.py", "train.py"]])
def test_several_files_without_model_py_are_refused_by_name(tmp_path, files):
    for name in files:
        write(tmp_path / "ada" / name)
    check = refused(tmp_path / "ada")
    assert check.found == f"2 files: {', '.join(sorted(files))}"
    assert "model.py" in check.try_


def test_two_model_files_side_by_side_are_refused_rather_than_guessed(tmp_path):
    write(tmp_path / "ada" / "old" / "model.py")
    write(tmp_path / "ada" / "new" / "model.py")
    check = refused(tmp_path / "ada")
    assert "new/model.py, old/model.py" in check.found


@pytest.mark.parametrize("names", [[], ["README.md", "weights.pt", "model.pyc", "model.ipynb.txt"], [".model.py"]])
def test_folder_without_python_is_refused(tmp_path, names):
    (tmp_path / "ada").mkdir()
    for name in names:
        write(tmp_path / "ada" / name)
    assert refused(tmp_path / "ada").found == "no Python file"


def test_path_that_is_not_there_is_refused(tmp_path):
    assert refused(tmp_path / "nobody").found == "nobody: No such file or directory"


def test_path_through_a_file_is_refused(tmp_path):
    assert "Not a directory" in refused(write(tmp_path / "ada.py") / "model.py").found


@pytest.mark.parametrize("name", [".hidden.py", ".git/hook.py", "__pycache__/model.py", "__MACOSX/model.py"])
def test_hidden_and_generated_files_are_no_part_of_a_submission(tmp_path, name):
    write(tmp_path / "ada" / "model.py")
    write(tmp_path / "ada" / name, "import keras")
    assert [file.path for file in accepted(tmp_path / "ada").files] == ["model.py"]


IMPORTS = [
    ("import torch", Framework.TORCH),
    ("import torch.nn as nn", Framework.TORCH),
    ("from torch import nn", Framework.TORCH),
    ("from torch.nn import Linear", Framework.TORCH),
    ("try:\n    import torch\nexcept ImportError:\n    pass", Framework.TORCH),
    ("\timport\ttorch", Framework.TORCH),
    ("import os\r\nimport torch\r\n", Framework.TORCH),
    ("\ufeffimport torch", Framework.TORCH),
    ("import numpy as np, torch", Framework.TORCH),
    ("import os; import torch", Framework.TORCH),
    ("import keras", Framework.TENSORFLOW),
    ("from keras import layers", Framework.TENSORFLOW),
    ("import tensorflow as tf", Framework.TENSORFLOW),
    ("from tensorflow.keras import layers", Framework.TENSORFLOW),
    ("import tensorflow as tf\nimport keras", Framework.TENSORFLOW),
    ("import keras  # not import torch", Framework.TENSORFLOW),
    ("import keras\n# import torch", Framework.TENSORFLOW),
    ("import keras\nprint('import torch')", Framework.TENSORFLOW),
    ("import keras\nimport torchvision_like", Framework.TENSORFLOW),
    ('"""Moved over\nfrom torch to Keras."""\nimport keras', Framework.TENSORFLOW),
    ("import keras; x = '; import torch'", Framework.TENSORFLOW),
]


@pytest.mark.parametrize(("source", "framework"), IMPORTS)
def test_framework_is_the_one_that_is_imported(tmp_path, source, framework):
    assert accepted(write(tmp_path / "ada.py", source)).framework is framework


@pytest.mark.parametrize("source", ["", "# import torch", "x = 'import torch'", "import torchvision", "import numpy"])
def test_submission_without_framework_is_refused(tmp_path, source):
    check = refused(write(tmp_path / "ada.py", source))
    assert (check.name, check.found) == ("framework", "neither")


def test_submission_with_both_frameworks_is_refused(tmp_path):
    write(tmp_path / "ada" / "model.py", "import torch")
    write(tmp_path / "ada" / "layers.py", "from keras import layers")
    check = refused(tmp_path / "ada")
    assert (check.name, check.found) == ("framework", "both torch and Keras are imported")


@pytest.mark.parametrize("pattern", ["import  ,", "; ", "import " + " " * 2000, "from torch ", "\t", "a," * 500 + ";"])
def test_hostile_source_is_searched_in_no_time(tmp_path, pattern):
    path = write(tmp_path / "ada.py", pattern * (MAX_BYTES // len(pattern)))
    start = time.perf_counter()
    assert refused(path).found == "neither"
    assert time.perf_counter() - start < 20


def test_source_that_is_no_text_is_taken_in_as_it_is(tmp_path):
    content = b"import torch\n\x00\xff\xfe\x1b[2J"
    assert accepted(write(tmp_path / "ada.py", content)).files[0].content == content


def test_discover_finds_folders_and_files_by_name(tmp_path):
    write(tmp_path / "zoe" / "model.py")
    write(tmp_path / "bob.py")
    write(tmp_path / "empty" / "notes.txt")
    write(tmp_path / ".hidden" / "model.py")
    write(tmp_path / "__pycache__" / "model.py")
    write(tmp_path / "assignment.toml", "")
    found = discover(tmp_path)
    assert [(item.name, type(item)) for item in found] == [
        ("bob", Submission),
        ("empty", Rejected),
        ("zoe", Submission),
    ]


def test_folder_and_file_of_one_name_get_different_names(tmp_path):
    write(tmp_path / "ada" / "model.py")
    write(tmp_path / "ada.py")
    assert [item.name for item in discover(tmp_path)] == ["ada", "ada.py"]


@pytest.mark.parametrize(
    "make", [lambda path: None, lambda path: write(path), lambda path: path.symlink_to("/nowhere")]
)
def test_folder_of_submissions_that_is_none_is_a_usage_error(tmp_path, make):
    make(tmp_path / "class")
    with pytest.raises(UsageError, match="class is not a folder"):
        discover(tmp_path / "class")


def test_folder_without_submissions_is_a_usage_error(tmp_path):
    write(tmp_path / "assignment.toml", "")
    with pytest.raises(UsageError, match="none"):
        discover(tmp_path)


def submission(root: Path, **files: str) -> Submission:
    for name, content in files.items():
        write(root / "ada" / f"{name}.py", content)
    return accepted(root / "ada")


def test_digest_changes_with_every_path_and_byte(tmp_path):
    sources = [
        {"model": MODEL},
        {"model": MODEL + "\n"},
        {"model": MODEL, "lib": ""},
        {"model": MODEL, "libs": ""},
        {"model": MODEL, "lib": "x"},
        {"lenet": MODEL},
        {"model": "import keras"},
    ]
    digests = [submission(tmp_path / str(index), **files).digest for index, files in enumerate(sources)]
    assert len(set(digests)) == len(sources)
    assert submission(tmp_path / "again", **sources[0]).digest == digests[0]


def test_a_notebook_is_a_submission_and_its_framework_is_read_from_its_cells(tmp_path):
    cells = [{"cell_type": "code", "source": ["# a\n", "from keras import layers\n"]}]
    found = accepted(write(tmp_path / "ada.ipynb", json.dumps({"cells": cells})))
    assert (found.name, found.entry, found.framework) == ("ada", "ada.ipynb", Framework.TENSORFLOW)


def test_an_archive_that_is_none_is_refused(tmp_path):
    assert "a file of another kind" in refused(write(tmp_path / "ada.zip", b"{}")).found


@pytest.mark.parametrize(
    ("files", "entry"),
    [
        ({"a.py": MODEL, "b.py": MODEL + "class Net(nn.Module):\n    pass\n"}, "b.py"),
        ({"a.ipynb": MODEL, "model.py": MODEL}, "model.py"),
        ({"x.py": MODEL + "m = Sequential()\n", "my_lenet.py": MODEL + "m = Sequential()\n"}, "my_lenet.py"),
    ],
)
def test_the_file_that_defines_a_model_is_chosen(tmp_path, files, entry):
    for name, content in files.items():
        write(tmp_path / "ada" / name, content)
    assert accepted(tmp_path / "ada").entry == entry


def test_a_hint_names_file_and_model_and_an_option_wins_over_it(tmp_path):
    write(tmp_path / "ada" / "a.py")
    write(tmp_path / "ada" / "b.py")
    write(tmp_path / "ada" / "submission.toml", 'entry = "b.py:Net(classes=10)"')
    found = accepted(tmp_path / "ada")
    assert (found.entry, found.hint, len(found.files)) == ("b.py", "Net(classes=10)", 2)
    option = take_in(tmp_path / "ada", entry="a.py:Other()")
    assert isinstance(option, Submission)
    assert (option.entry, option.hint) == ("a.py", "Other()")
    assert option.digest != found.digest


@pytest.mark.parametrize(
    "text", ["entry = 3", "entry = ", "[" * 5000, 'entry = "c.py:Net()"', f'entry = "{"x" * 300}"']
)
def test_a_hint_that_is_none_is_refused(tmp_path, text):
    write(tmp_path / "ada" / "model.py")
    write(tmp_path / "ada" / "submission.toml", text)
    assert refused(tmp_path / "ada").name == "source"


def test_the_framework_of_the_layers_decides_where_both_are_imported(tmp_path):
    text = "from keras.datasets import mnist\nimport torch.nn as nn\nclass Net(nn.Module):\n    pass\n"
    assert accepted(write(tmp_path / "ada.py", text)).framework is Framework.TORCH
