"""Rosters: whom a name of a download speaks of, and who is missing."""

import os
import time

import pytest

from harness.handins.discover import discover
from harness.handins.roster import MAX_ROSTER, find_student, read_roster
from harness.records.errors import UsageError
from harness.records.submission import Rejected

ROSTER = "Name,Email,ID\nAda Lovelace,alovelace@uni.edu,12345\nBen Okri,ben@uni.edu,777\nZoë Müller,zm@uni.edu,888\n"


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("Ada Lovelace_999_assignsubmission_file_", "Ada Lovelace"),
        ("x_12345_assignsubmission_file_", "Ada Lovelace"),
        ("lovelaceada_5_6_model", "Ada Lovelace"),
        ("submission_777", "Ben Okri"),
        ("alovelace", "Ada Lovelace"),
        ("Zoë Müller", "Zoë Müller"),
        ("nobody", None),
    ],
)
def test_an_entry_is_its_students(tmp_path, entry, name):
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    student = find_student(entry, read_roster(tmp_path / "roster.csv"))
    assert (student.name if student else None) == name


def test_whoever_handed_in_nothing_is_listed(tmp_path):
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    folder = tmp_path / "class" / "lovelaceada_5_6_model"
    folder.mkdir(parents=True)
    (folder / "model.py").write_text("import torch\n")
    found = discover(tmp_path / "class", tmp_path / "roster.csv")
    assert [item.name for item in found] == ["Ada Lovelace", "Ben Okri", "Zoë Müller"]
    assert [item.check.found for item in found if isinstance(item, Rejected)] == ["nothing was handed in"] * 2


def test_a_name_shared_by_two_is_nobodys(tmp_path):
    (tmp_path / "roster.csv").write_text("Name,ID\nAda Lee,1\nLee Ada,2\n")
    assert find_student("leeada_5_6_model", read_roster(tmp_path / "roster.csv")) is None


@pytest.mark.parametrize("content", [b"", b"Name\n", b"\xff\xfe", b"Name,ID\nAda,1\nAda,2\n", b'"' * 200_000])
def test_what_is_no_roster_is_a_usage_error(tmp_path, content):
    (tmp_path / "roster.csv").write_bytes(content)
    with pytest.raises(UsageError):
        read_roster(tmp_path / "roster.csv")


@pytest.mark.parametrize("row", ["n{}", "{},", ",,,,,,,,,,,,,,,,,,,,,{}", "a@{}", "a b c d e f {}"])
def test_a_roster_as_large_as_it_may_be_is_read_in_linear_time(tmp_path, row):
    rows, size = ["Name"], 0
    while size < MAX_ROSTER - 100:
        rows.append(row.format(len(rows)))
        size += len(rows[-1]) + 1
    (tmp_path / "roster.csv").write_text("\n".join(rows))
    started = time.process_time()
    try:
        students = read_roster(tmp_path / "roster.csv")
    except UsageError as error:
        assert "two rows for" in str(error)
    else:
        assert len(students) == len(rows) - 1
    assert time.process_time() - started < 20


def test_a_roster_that_is_too_large_is_told_so_and_not_read_to_its_end(tmp_path):
    (tmp_path / "roster.csv").touch()
    os.truncate(tmp_path / "roster.csv", 1 << 40)
    with pytest.raises(UsageError, match="at most 1 MiB"):
        read_roster(tmp_path / "roster.csv")


def test_first_and_last_names_are_put_together(tmp_path):
    (tmp_path / "roster.csv").write_text("Last Name,First Name,SID\nLovelace,Ada,5\n")
    assert [student.name for student in read_roster(tmp_path / "roster.csv")] == ["Ada Lovelace"]
