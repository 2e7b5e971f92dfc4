"""The controller's handling of the worst hand-ins we could think of: little time, little memory, a clear message."""

import os
import random
import struct
import zipfile
import zlib

import pytest
from intake_cost import MODEL, measured, packed

from harness.handins.archive import MAX_ARCHIVE, MAX_ENTRIES, MAX_PATH
from harness.handins.discover import MAX_BYTES, MAX_NOTEBOOK, take_in
from harness.records.submission import Submission


def central(name, extra=b"", comment=b"", method=0, packed=0, size=0, offset=0, checksum=0, version=20):
    lengths = len(name), len(extra), len(comment)
    fixed = (b"PK\1\2", version, version, 0, method, 0, 33, checksum, packed, size, *lengths, 0, 0, 0, offset)
    return struct.pack("<4s6H3L5H2L", *fixed) + name + extra + comment


def local(name, method=0, packed=0, size=0, checksum=0, extra=b""):
    fixed = (b"PK\3\4", 20, 0, method, 0, 33, checksum, packed, size, len(name), len(extra))
    return struct.pack("<4s5H3L2H", *fixed) + name + extra


def ended(body, directory, entries, comment=b""):
    stated = min(entries, 0xFFFF)
    return (
        body
        + directory
        + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, stated, stated, len(directory), len(body), len(comment))
        + comment
    )


def ended_by_zip64(body, directory, entries):
    """The usual record states almost nothing; the 64-bit one states the true size."""
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, entries, entries, len(directory), len(body)
    ) + struct.pack("<4sLQL", b"PK\6\7", 0, len(body) + len(directory), 1)
    return body + directory + record + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 46, 0, 0)


def spread(count, extra, comment=b""):
    """A directory of empty entries, each at its own position."""
    return b"".join(central(b"", extra, comment, offset=30 * i) for i in range(count))


def deflated(content):
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def overlapping(count, name, stream, size, checksum):
    """Entries that all unpack the same bytes: each header's last field extends past all the headers."""
    names = [name % i for i in range(count)]
    starts, body = [], b""
    lengths = [len(local(each)) for each in names]
    for i, each in enumerate(names):
        starts.append(len(body))
        body += local(each, 8, len(stream), size, checksum, b"")[:28] + struct.pack("<H", sum(lengths[i + 1 :])) + each
    directory = b"".join(
        central(each, method=8, packed=len(stream), size=size, offset=start, checksum=checksum)
        for each, start in zip(names, starts, strict=True)
    )
    return ended(body + stream, directory, count)


def quoted_overlap():
    stream = deflated(b"\n" * MAX_BYTES)
    return overlapping(1_000, b"%d.py", stream, MAX_BYTES, zlib.crc32(b"\n" * MAX_BYTES))


def empty_blocks():
    """A stream of 60 MiB that unpacks to nothing, under sixty names."""
    return overlapping(60, b"%d.py", bytes.fromhex("02082080") * (15 << 20), 0, 0)


def lying(size, content=b"x" * 100_000):
    stream = deflated(content)
    fields = {"method": 8, "packed": len(stream), "size": size, "checksum": zlib.crc32(content)}
    return ended(local(b"model.py", **fields) + stream, central(b"model.py", **fields), 1)


def unread_bombs():
    """Notebooks that are not part of the submission; together they unpack to 45 GiB."""
    stream = deflated(b"\n" * MAX_NOTEBOOK)
    checksum, body, directory = zlib.crc32(b"\n" * MAX_NOTEBOOK), bytearray(), b""
    for i in range(2_800):
        fields = {"method": 8, "packed": len(stream), "size": MAX_NOTEBOOK, "checksum": checksum}
        directory += central(b"__MACOSX/%d.ipynb" % i, offset=len(body), **fields)
        body += local(b"__MACOSX/%d.ipynb" % i, **fields) + stream
    return ended(bytes(body), directory, 2_800)


def zip64_directory():
    directory = central(b"") * ((60 << 20) // 46)
    return ended_by_zip64(b"", directory, 1)


def many_archives_of(content):
    return {f"ada_1_{i}_{i:03}.zip": content for i in range(70)}


NOISE = random.Random(0).randbytes(16 << 20)
ARCHIVES = {
    "bzip2": (lambda: packed([("model.py", b"\0" * (1 << 28))], zipfile.ZIP_BZIP2), "packed with bzip2"),
    "lzma": (lambda: packed([("model.py", b"\0" * (1 << 26))], zipfile.ZIP_LZMA), "packed with LZMA"),
    "a method nobody knows": (
        lambda: ended(local(b"model.py", 99), central(b"model.py", method=99), 1),
        "packed with method 99",
    ),
    "a bomb": (lambda: packed([("model.py", b"\0" * (1 << 28))]), "more in model.py"),
    "a bomb in a hint": (lambda: packed([("submission.toml", b"\0" * (1 << 28))]), "more than 1,024 bytes"),
    "a notebook of 16 MiB of noise": (lambda: packed([("a.ipynb", NOISE)], level=0), "neither"),
    "as much as there may be": (
        lambda: packed([("a.ipynb", NOISE), ("data.bin", NOISE * 2 + NOISE[: 15 << 20])], level=0),
        "neither",
    ),
    "a size that is too small": (lambda: lying(10), "'model.py' is damaged"),
    "a size that is too large": (lambda: lying(1 << 20), "'model.py' is damaged"),
    "a size of 4 GiB": (lambda: lying(0xFFFFFFFE), "'model.py' is damaged"),
    "a quoted overlap": (quoted_overlap, "entries that overlap"),
    "a long stream of nothing": (empty_blocks, "entries that overlap"),
    "bombs in folders that nobody reads": (unread_bombs, "no Python file"),
    "a directory of 60 MiB by a record of 64 bits": (zip64_directory, "a longer directory"),
    "a directory of a million entries": (
        lambda: ended(b"", central(b"") * ((60 << 20) // 46), 1),
        "a longer directory",
    ),
    "20,000 entries where one is stated": (
        lambda: ended(b"", central(b"") * 20_000, 1),
        "more than 3,000 files and folders",
    ),
    "extra fields of nothing": (lambda: ended(b"", spread(30, b"\0" * 65_532), 30), "no Python file"),
    "comments": (lambda: ended(b"", spread(30, b"", b"PK\5\6" * 16_000), 30, b"PK" * 30_000), "no Python file"),
    "a comment that is another archive": (
        lambda: ended(b"", b"", 0, packed([("model.py", MODEL)], zipfile.ZIP_STORED)),
        None,
    ),
    "thousands of entries": (
        lambda: packed([(f"{i}.txt", "") for i in range(MAX_ENTRIES + 1)]),
        "more than 3,000 files and folders",
    ),
    "a long name": (
        lambda: packed([("lenet" * 13_000 + ".py", MODEL), ("b.py", MODEL)]),
        "a longer one: '" + "lenet" * 16 + "'",
    ),
    "names as long as they may be": (
        lambda: packed([(f"{i:02}{'lenet' * 199}.py", MODEL) for i in range(60)]),
        "60 files: 00lenetlenet",
    ),
    "one name twice": (
        lambda: ended(local(b"model.py"), central(b"model.py") + central(b"./model.py", offset=0), 2),
        "entries that overlap",
    ),
    "one path twice": (
        lambda: packed([("model.py", MODEL), ("./model.py", b"import keras\n")]),
        "two named model.py",
    ),
    "only noise": (lambda: NOISE, "a file of another kind, or a damaged one"),
    "only beginnings": (lambda: b"PK\3\4" * (MAX_ARCHIVE // 4), "a file of another kind, or a damaged one"),
    "only ends": (lambda: b"PK\5\6" * (MAX_ARCHIVE // 4), "a file of another kind, or a damaged one"),
    "one byte too much": (lambda: bytes(MAX_ARCHIVE + 1), "more"),
}


@pytest.mark.parametrize("name", list(ARCHIVES))
def test_an_archive_takes_little_whatever_it_is(tmp_path, name):
    make, found = ARCHIVES[name]
    (tmp_path / "ada.zip").write_bytes(make())
    told = measured(tmp_path)
    assert (told["found"] or "").startswith(found or "") or found in told["found"]
    assert bool(told["found"]) == bool(found)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (packed([(f"{i}.txt", "") for i in range(100)]), "more than 3,000 files and folders"),
        (ended(b"", spread(15, b"\0" * 65_532), 15), "a longer directory"),
        (bytes(1 << 20), "a file of another kind"),
        (packed([("model.py", MODEL), ("a.txt", NOISE[: 1 << 20])]), "more"),
        (packed([("a.py", b"#" * (MAX_BYTES // 32))]), "more than 60 files or 1 MiB"),
    ],
    ids=["entries", "directories", "no archives", "bytes", "source"],
)
def test_several_archives_of_one_student_are_counted_together(tmp_path, content, found):
    for name, each in many_archives_of(content).items():
        (tmp_path / name).write_bytes(each)
    assert found in measured(tmp_path)["found"]


def test_folders_and_archives_of_one_student_are_counted_together(tmp_path):
    for number in range(2):
        folder = tmp_path / f"Ada Lovelace_9_assignsubmission_file_{number}"
        folder.mkdir()
        (folder / "model.py").write_bytes(MODEL)
        for index in range(MAX_ENTRIES // 2):
            (folder / f"{index}.png").touch()
    assert measured(tmp_path)["found"] == "more than 3,000 files and folders"


def test_the_files_of_an_archive_with_records_of_64_bits_are_read(tmp_path):
    """As cloud storage packs a folder."""
    body = local(b"hw/model.py", size=len(MODEL), packed=len(MODEL), checksum=zlib.crc32(MODEL)) + MODEL
    entry = central(b"hw/model.py", size=len(MODEL), packed=len(MODEL), checksum=zlib.crc32(MODEL))
    (tmp_path / "ada.zip").write_bytes(ended_by_zip64(body, entry, 1))
    found = take_in(tmp_path / "ada.zip")
    assert isinstance(found, Submission)
    assert [(file.path, file.content) for file in found.files] == [("hw/model.py", MODEL)]


@pytest.mark.parametrize("length", [MAX_PATH, MAX_PATH + 1])
def test_a_path_as_long_as_it_may_be_keeps_its_end(tmp_path, length):
    name = "x" * (length - 3) + ".py"
    (tmp_path / "ada.zip").write_bytes(packed([(name, MODEL)]))
    found = take_in(tmp_path / "ada.zip")
    assert isinstance(found, Submission) == (length == MAX_PATH)
    assert not isinstance(found, Submission) or found.entry == name


def test_a_name_as_long_as_a_system_allows_keeps_its_end(tmp_path):
    (tmp_path / "ada").mkdir()
    for letter in "ab":
        (tmp_path / "ada" / f"{'x' * 251}{letter}.py").write_bytes(MODEL)
    (tmp_path / "ada" / "model.py").write_bytes(MODEL)
    found = take_in(tmp_path / "ada")
    assert isinstance(found, Submission)
    assert len(found.files) == 3


@pytest.mark.parametrize("letter", ["a", "lenet", "*", "[", "a.", "ü", "\u202e", "-1.", "_1"])
def test_names_as_long_as_a_system_allows_are_matched_in_linear_time(tmp_path, letter):
    name = os.fsdecode((letter.encode() * 255)[:252].decode("utf-8", "ignore").encode())
    (tmp_path / f"{name}.py").write_bytes(MODEL)
    assert measured(tmp_path)["seconds"] < 2
