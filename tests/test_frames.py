"""Frames between processes: what is encoded comes back, and nothing else gets in."""

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.jobs.frames import MAGIC, MAX_BLOBS, MAX_HEADER, decode, encode
from harness.records.errors import ArtifactError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
HEADERS = st.dictionaries(st.text().filter(lambda name: name != "blobs"), JSON, max_size=4)
BLOBS = st.dictionaries(st.text(), st.binary(max_size=50), max_size=5)
SAMPLE = encode({"ok": True, "note": "é"}, {"graph": b"{}", "empty": b"", "weights": bytes(range(40))})


def frame(header: bytes, data: bytes = b"", magic: bytes = MAGIC, size: int | None = None) -> bytes:
    return struct.pack("<4sI", magic, len(header) if size is None else size) + header + data


def listing(*entries: object) -> bytes:
    return json.dumps({"blobs": list(entries)}).encode()


@given(HEADERS, BLOBS)
@settings(deadline=None, max_examples=80)
def test_header_and_blobs_come_back_as_they_were(header, blobs):
    found, parts = decode(encode(header, blobs))
    assert found == header
    assert {name: bytes(part) for name, part in parts.items()} == blobs
    assert list(parts) == list(blobs)


def test_blobs_can_be_memory_views_of_the_frame_before():
    _, parts = decode(SAMPLE)
    _, again = decode(encode({}, parts))
    assert bytes(again["weights"]) == bytes(range(40))


def test_frame_of_the_largest_number_of_blobs_is_read():
    _, parts = decode(encode({}, {str(i): b"x" for i in range(MAX_BLOBS)}))
    assert len(parts) == MAX_BLOBS


def test_frame_cut_at_any_length_is_refused():
    for length in range(len(SAMPLE)):
        with pytest.raises(ArtifactError):
            decode(SAMPLE[:length])


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (b"", "0 bytes"),
        (SAMPLE + b"\0", "1 trailing bytes"),
        (SAMPLE + SAMPLE, f"{len(SAMPLE)} trailing bytes"),
        (b"LNF2" + SAMPLE[4:], "wrong magic number"),
        (b"\x80\x04\x95." + SAMPLE[4:], "wrong magic number"),
        (frame(b"{}", size=0xFFFFFFFF), "header length"),
        (frame(b'{"blobs":[]}' + b" " * MAX_HEADER), "header length"),
        (frame(b"{"), "not JSON"),
        (frame(b"\xff\xfe\xfd"), "not JSON"),
        (frame(b"[" * 100_000), "not JSON"),
        (frame(b"1" * 5000), "not JSON"),
        (frame(b"[]"), "not an object"),
        (frame(b"{}"), "an invalid list of blobs"),
        (frame(b'{"blobs":{}}'), "an invalid list of blobs"),
        (frame(listing(["a", 1, 1]), b"x"), "an invalid list of blobs"),
        (frame(listing("ab"), b"x"), "an invalid list of blobs"),
        (frame(listing([1, 1]), b"x"), "an invalid list of blobs"),
        (frame(listing(["a", True]), b"x"), "an invalid list of blobs"),
        (frame(listing(["a", 1.0]), b"x"), "an invalid list of blobs"),
        (frame(listing(["a", 2], ["b", -1]), b"x"), "an invalid list of blobs"),
        (frame(listing(*[[str(i), 0] for i in range(MAX_BLOBS + 1)])), "an invalid list of blobs"),
        (frame(listing(["a", 1], ["a", 1]), b"xy"), "named twice"),
        (frame(listing(["a", 3]), b"xy"), "longer than the frame"),
        (frame(listing(["a", 1 << 80]), b"xy"), "longer than the frame"),
        (frame(listing(["a", 1]), b"xy"), "1 trailing bytes"),
    ],
)
def test_improper_frame_is_refused_with_the_reason(damaged, reason):
    with pytest.raises(ArtifactError) as caught:
        decode(damaged)
    assert reason in caught.value.found
    assert reason in str(caught.value)


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=100)
def test_arbitrary_bytes_are_refused_and_nothing_worse(data):
    with pytest.raises(ArtifactError):
        decode(data)


@given(JSON, st.binary(max_size=20))
@settings(deadline=None, max_examples=100)
def test_arbitrary_header_is_read_or_refused(header, data):
    try:
        decode(frame(json.dumps(header).encode(), data))
    except ArtifactError:
        return
    assert isinstance(header, dict)
    assert "blobs" in header


@given(st.lists(st.lists(JSON, max_size=3) | JSON, max_size=5), st.binary(max_size=20))
@settings(deadline=None, max_examples=100)
def test_arbitrary_list_of_blobs_is_read_only_when_it_covers_the_data(entries, data):
    try:
        _, blobs = decode(frame(listing(*entries), data))
    except ArtifactError:
        return
    assert b"".join(blobs.values()) == data


@given(st.integers(0, len(SAMPLE) - 1), st.integers(1, 255))
@settings(deadline=None, max_examples=100)
def test_flipped_byte_gives_another_message_or_is_refused(place, flip):
    damaged = bytearray(SAMPLE)
    damaged[place] ^= flip
    try:
        header, blobs = decode(bytes(damaged))
    except ArtifactError:
        return
    assert sum(map(len, blobs.values())) == 42
    assert isinstance(header, dict)
