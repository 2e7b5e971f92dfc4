"""Submissions on disk: every oddity of names, files and folders is refused, or shown, without being followed."""

import importlib
import os
import socket
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from taking_in import MODEL, accepted, refused, write

from harness.handins.discover import MAX_BYTES, MAX_DEPTH, MAX_FILES, discover, take_in
from harness.records.errors import UsageError
from harness.records.submission import Rejected, Submission


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


def test_names_that_look_the_same_get_different_names(tmp_path):
    for name in (b"a\xff", rb"a\xff", b"x" * 130, b"x" * 131):
        write(tmp_path / os.fsdecode(name) / "model.py")
    names = [item.name for item in discover(tmp_path)]
    assert len(set(names)) == 4


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


def test_systems_without_some_flags_read_as_well(tmp_path, monkeypatch):
    write(tmp_path / "ada" / "model.py")
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
        monkeypatch.delattr(os, name)
    reloaded = importlib.reload(importlib.import_module("harness.handins.discover"))
    monkeypatch.undo()
    assert reloaded.take_in(tmp_path / "ada").entry == "model.py"
    importlib.reload(reloaded)
