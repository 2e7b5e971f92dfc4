"""Submissions on disk: every form that is taken in, and every oddity that is refused without being followed."""

import importlib
import json
import os
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.handins.discover import MAX_BYTES, MAX_DEPTH, MAX_FILES, discover, take_in
from harness.records.check import Check, Outcome
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.records.submission import Rejected, Submission

MODEL = "import torch\n"


def write(path: Path, content: str | bytes = MODEL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def accepted(path: Path) -> Submission:
    found = take_in(path)
    assert isinstance(found, Submission), found
    return found


def refused(path: Path) -> Check:
    found = take_in(path)
    assert isinstance(found, Rejected), found
    assert found.check.outcome is Outcome.FAILED
    assert found.check.expected
    assert found.check.try_
    return found.check


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


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("ada lovelace", "ada lovelace"),
        ("Ünïcödé 数学", "Ünïcödé 数学"),
        ("a\nb", r"a\nb"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("a\u202eb", r"a\u202eb"),
        (os.fsdecode(b"a\xffb"), r"a\xffb"),
        ("--only", "--only"),
        ("a;rm -rf $HOME", "a;rm -rf $HOME"),
        ("x" * 200, "x" * 120),
    ],
)
def test_name_is_shown_in_printable_characters(tmp_path, name, shown):
    write(tmp_path / name / "model.py")
    (found,) = discover(tmp_path)
    assert isinstance(found, Submission)
    assert found.name == shown


def test_file_of_an_undecodable_name_has_a_printable_path(tmp_path):
    write(tmp_path / "ada" / "model.py")
    write(tmp_path / "ada" / os.fsdecode(b"bad\xff.py"))
    assert [file.path for file in accepted(tmp_path / "ada").files] == [r"bad\xff.py", "model.py"]


def link(path: Path) -> None:
    path.symlink_to(write(path.parent.parent / "elsewhere.py"))


def link_to_folder(path: Path) -> None:
    write(path.parent.parent / "elsewhere" / "model.py")
    path.symlink_to(path.parent.parent / "elsewhere")


def dangling_link(path: Path) -> None:
    path.symlink_to("/nowhere")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path)


def unix_socket(path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as short, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{short}/s")
        os.rename(f"{short}/s", path)


def device(path: Path) -> None:
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


ODDITIES = [
    (link, "a symbolic link"),
    (link_to_folder, "a symbolic link"),
    (dangling_link, "a symbolic link"),
    (link_to_itself, "a symbolic link"),
    (os.mkfifo, "a FIFO"),
    (unix_socket, "a device or socket"),
    (device, "a device or socket"),
]


@pytest.mark.parametrize(("make", "kind"), ODDITIES)
@pytest.mark.parametrize("name", ["ada/model.py", "ada/lib.py", "ada.py"])
def test_what_is_no_regular_file_is_refused_without_opening_it(tmp_path, make, kind, name):
    write(tmp_path / "ada" / "z.py")
    make(tmp_path / name)
    check = refused((tmp_path / name) if name == "ada.py" else tmp_path / "ada")
    assert check.found == f"{kind} named {Path(name).name}"


def test_linked_folder_is_no_submission_and_nothing_in_it_is_read(tmp_path):
    write(tmp_path / "elsewhere" / "model.py")
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ada").symlink_to(tmp_path / "elsewhere")
    (found,) = discover(tmp_path / "class")
    assert isinstance(found, Rejected)
    assert (found.name, found.check.found) == ("ada", "a symbolic link named ada")


def test_linked_folder_inside_a_submission_is_passed_over(tmp_path):
    write(tmp_path / "ada" / "model.py")
    write(tmp_path / "elsewhere" / "secret.py")
    (tmp_path / "ada" / "lib").symlink_to(tmp_path / "elsewhere")
    assert [file.path for file in accepted(tmp_path / "ada").files] == ["model.py"]


def test_folder_named_like_a_python_file_is_read_as_a_folder(tmp_path):
    write(tmp_path / "ada.py" / "model.py")
    found = accepted(tmp_path / "ada.py")
    assert (found.name, found.entry) == ("ada", "model.py")


@pytest.mark.parametrize("size", [MAX_BYTES, MAX_BYTES + 1])
def test_source_of_more_than_a_mebibyte_is_refused(tmp_path, size):
    found = take_in(write(tmp_path / "ada.py", MODEL.encode().ljust(size, b"#")))
    assert isinstance(found, Submission) == (size == MAX_BYTES)
    if isinstance(found, Rejected):
        assert found.check.expected == "at most 1 MiB of source"


def test_sparse_file_of_a_terabyte_is_refused_at_once(tmp_path):
    path = write(tmp_path / "ada.py")
    os.truncate(path, 1 << 40)
    assert refused(path).expected == "at most 1 MiB of source"


def test_many_files_that_are_too_much_together_are_refused(tmp_path):
    for index in range(3):
        write(tmp_path / "ada" / f"part{index}.py", b"#" * (MAX_BYTES // 2))
    assert refused(tmp_path / "ada").found == "more than 60 files or 1 MiB"


@pytest.mark.parametrize("count", [MAX_FILES, MAX_FILES + 1])
def test_too_many_files_are_refused(tmp_path, count):
    write(tmp_path / "ada" / "model.py")
    for index in range(count - 1):
        write(tmp_path / "ada" / f"part{index}.py", "")
    assert isinstance(take_in(tmp_path / "ada"), Submission if count == MAX_FILES else Rejected)


def test_folder_of_thousands_of_entries_is_refused(tmp_path):
    write(tmp_path / "ada" / "model.py")
    for index in range(50 * MAX_FILES):
        (tmp_path / "ada" / f"{index}.png").touch()
    assert refused(tmp_path / "ada").found == "more than 3,000 files and folders"


def test_thousands_of_folders_are_refused_together(tmp_path):
    write(tmp_path / "ada" / "model.py")
    for index in range(56):
        for inner in range(56):
            (tmp_path / "ada" / str(index) / str(inner)).mkdir(parents=True)
    assert refused(tmp_path / "ada").found == "more than 3,000 files and folders"


def test_five_thousand_nested_folders_do_no_harm(tmp_path):
    write(tmp_path / "ada" / "model.py")
    top = os.open(tmp_path / "ada", os.O_RDONLY)
    folder = top
    for _ in range(5_000):
        os.mkdir("d", dir_fd=folder)
        inner = os.open("d", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    try:
        assert refused(tmp_path / "ada").expected == "at most 4 nested folders"
    finally:
        subprocess.run(["rm", "-rf", tmp_path / "ada"], check=True)  # shutil.rmtree recurses too deep


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1])
def test_deeply_nested_folders_are_refused(tmp_path, depth):
    write(tmp_path / "ada" / Path(*["d"] * depth) / "model.py")
    found = take_in(tmp_path / "ada")
    assert isinstance(found, Submission) == (depth == MAX_DEPTH)
    if isinstance(found, Rejected):
        assert found.check.expected == "at most 4 nested folders"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others may enter, and this test without root's rights to read everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def as_nobody(open_folder: Path) -> Iterator[Path]:
    write(open_folder / "ada" / "model.py").chmod(0o000)
    write(open_folder / "locked" / "model.py")
    (open_folder / "locked").chmod(0o000)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield open_folder
    os.seteuid(user)
    (open_folder / "locked").chmod(0o755)


def test_unreadable_file_and_folder_are_refused(as_nobody):
    assert refused(as_nobody / "ada").found == "model.py: Permission denied"
    assert refused(as_nobody / "locked").found == "Permission denied"
    assert [type(found) for found in discover(as_nobody)] == [Rejected, Rejected]


def test_unreadable_folder_of_submissions_is_a_usage_error(as_nobody):
    with pytest.raises(UsageError, match="Permission denied"):
        discover(as_nobody / "locked")


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


def test_names_that_look_the_same_get_different_names(tmp_path):
    for name in (b"a\xff", rb"a\xff", b"x" * 130, b"x" * 131):
        write(tmp_path / os.fsdecode(name) / "model.py")
    names = [item.name for item in discover(tmp_path)]
    assert len(set(names)) == 4


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


NAMES = st.binary(min_size=1, max_size=12).filter(
    lambda name: not {0, ord("/")} & set(name) and name not in (b".", b"..")
)


@given(st.dictionaries(NAMES, st.sampled_from(["folder", "file", "nothing"]), min_size=1, max_size=5))
@settings(deadline=None, max_examples=60)
def test_any_file_names_give_printable_distinct_names(entries):
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in entries.items():
            path = Path(folder, os.fsdecode(name))
            write(path / "model.py" if kind == "folder" else path)
        try:
            found = discover(Path(folder))
        except UsageError:
            found = []
    names = [item.name for item in found]
    assert len(set(names)) == len(names)
    assert all(name.isprintable() and name.encode() for name in names)
    visible = [name for name, kind in entries.items() if kind == "folder" and not name.startswith(b".")]
    assert len(names) >= len([name for name in visible if name not in (b"__pycache__", b"__MACOSX")])


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


def test_systems_without_some_flags_read_as_well(tmp_path, monkeypatch):
    write(tmp_path / "ada" / "model.py")
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
        monkeypatch.delattr(os, name)
    reloaded = importlib.reload(importlib.import_module("harness.handins.discover"))
    monkeypatch.undo()
    assert reloaded.take_in(tmp_path / "ada").entry == "model.py"
    importlib.reload(reloaded)
