"""Zip archives: what is read of them, and what is refused before it can do harm."""

import contextlib
import io
import stat
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.handins.archive import MAX_ENTRIES, Allowance, members
from harness.handins.discover import take_in
from harness.records.errors import SubmissionError
from harness.records.submission import Rejected, Submission

LIMIT = 1 << 20


def archive(files, compression=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as target:
        for name, content in files:
            target.writestr(name, content)
    return buffer.getvalue()


def read(content):
    return list(members(content, lambda path: LIMIT if path.endswith(".py") else 0, Allowance()))


def refused(content):
    with pytest.raises(SubmissionError) as caught:
        read(content)
    return caught.value.found


def test_only_what_is_wanted_is_read():
    assert read(archive([("b.py", "2"), ("a/c.py", "1"), ("x.png", "0")])) == [("a/c.py", b"1"), ("b.py", b"2")]


@pytest.mark.parametrize("name", ["../model.py", "/model.py", "a/../../model.py", "..\\model.py", "C:/model.py"])
def test_a_path_that_leads_out_is_refused(name):
    assert "leads out" in refused(archive([(name, "x")]))


def test_a_link_is_refused():
    item = zipfile.ZipInfo("model.py")
    item.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "a link" in refused(archive([(item, "/etc/passwd")]))


def test_of_a_bomb_one_byte_more_than_the_limit_is_unpacked():
    content = archive([("model.py", b"\0" * (200 << 20))])
    assert len(content) < 300_000
    assert [len(unpacked) for _, unpacked in read(content)] == [LIMIT + 1]


def test_thousands_of_entries_are_refused_before_they_are_read():
    assert (
        refused(archive([(f"{i}.txt", "") for i in range(MAX_ENTRIES + 1)], zipfile.ZIP_STORED))
        == "more than 3,000 files and folders"
    )


@given(st.binary(max_size=300), st.integers(0, 200), st.integers(0, 255))
@settings(max_examples=500, deadline=None)
def test_damaged_archives_are_refused_and_never_crash(noise, position, value):
    whole = bytearray(archive([("model.py", "import torch\n"), ("b.py", "x")]))
    whole[position % len(whole)] = value
    for content in (bytes(whole), bytes(whole) + noise, noise, bytes(whole[: position % len(whole)])):
        try:
            found = read(content)
        except SubmissionError as error:
            assert error.found
        else:
            with contextlib.suppress(zipfile.BadZipFile, NotImplementedError):  # it also minds the name in each header
                assert dict(found) == unzipped(content)


def unzipped(content):
    """What the standard library unpacks."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        return {name: source.read(name) for name in source.namelist() if name.endswith(".py")}


def test_an_archive_is_a_submission_named_after_it(tmp_path):
    (tmp_path / "ada.zip").write_bytes(archive([("hw/model.py", "import torch\n"), ("__MACOSX/._model.py", "x")]))
    found = take_in(tmp_path / "ada.zip")
    assert isinstance(found, Submission)
    assert (found.name, found.entry, len(found.files)) == ("ada", "hw/model.py", 1)


def test_an_archive_of_too_much_source_is_refused(tmp_path):
    (tmp_path / "ada.zip").write_bytes(archive([(f"{i}.py", "#" * (LIMIT // 2)) for i in range(4)]))
    found = take_in(tmp_path / "ada.zip")
    assert isinstance(found, Rejected)
    assert "1 MiB" in found.check.found
