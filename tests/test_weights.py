"""The audit of safetensors blobs, on blobs written by hand."""

import json
import math
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.artifact.weights import MAX_NUMBERS, audit_weights
from harness.records.errors import ArtifactError


def entry(begin: object, end: object, shape: object = (1,), dtype: object = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def blob(header: object, data: bytes = b"", size: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if size is None else size) + text + data


ONE = {"t0": entry(0, 4)}
TWO = {"t0": entry(0, 24, [2, 3]), "t1": entry(24, 34, [5], "F16")}
SAMPLE = blob(TWO, bytes(34))


def test_data_type_and_shape_of_each_tensor_are_told():
    assert audit_weights(SAMPLE) == {"t0": ("F32", (2, 3)), "t1": ("F16", (5,))}


def test_order_of_names_is_not_the_order_of_data():
    header = {"t0": entry(4, 12, [1], "I64"), "t1": entry(0, 4, [])}
    assert audit_weights(blob(header, bytes(12))) == {"t0": ("I64", (1,)), "t1": ("F32", ())}


def test_empty_tensors_take_no_room():
    header = {"t0": entry(0, 0, [0]), "t1": entry(0, 4), "t2": entry(4, 4, [3, 0])}
    assert audit_weights(blob(header, bytes(4)))["t2"] == ("F32", (3, 0))


def test_no_tensors_at_all_are_fine():
    assert audit_weights(blob({})) == {}


def test_what_safetensors_writes_is_accepted():
    safetensors = pytest.importorskip("safetensors.numpy")
    import numpy as np

    tensors = {"t0": np.ones((3, 2), np.float32), "t10": np.zeros((), np.int64), "t2": np.zeros((4,), bool)}
    found = audit_weights(safetensors.save(tensors))
    assert found == {"t0": ("F32", (3, 2)), "t10": ("I64", ()), "t2": ("BOOL", (4,))}


def test_blob_cut_at_any_length_is_refused():
    for length in range(len(SAMPLE)):
        with pytest.raises(ArtifactError):
            audit_weights(SAMPLE[:length])


TWICE = b'{"t0":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"t0":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
KEY_TWICE = b'{"t0":{"dtype":"F32","dtype":"F64","shape":[1],"data_offsets":[0,4]}}'


@pytest.mark.parametrize(
    ("damaged", "reason"),
    [
        (b"\0" * 7, "7 bytes"),
        (blob({}, size=1 << 63), "a header of 9,223,372,036,854,775,808 bytes"),
        (blob(b"{}" + b" " * (1 << 20)), "a header of 1,048,578 bytes"),
        (blob({}, size=3), "a header of 3 bytes in 10"),
        (blob(b"{]"), "not JSON"),
        (blob(b"\xff\xff"), "not JSON"),
        (blob(b"\xef\xbb\xbf{}"), "not JSON"),
        (blob(b"[" * 100_000), "nested 100,000 deep"),
        (blob([]), "a list"),
        (blob(TWICE, bytes(4)), "name given twice"),
        (blob(KEY_TWICE, bytes(4)), "name given twice"),
        (blob({"weight": entry(0, 4)}, bytes(4)), "weight"),
        (blob({"t": entry(0, 4)}, bytes(4)), "'t'"),
        (blob({"t0\n": entry(0, 4)}, bytes(4)), r"'t0\n'"),
        (blob({"t٣": entry(0, 4)}, bytes(4)), r"t\u0663"),
        (blob({"../t0": entry(0, 4)}, bytes(4)), "../t0"),
        (blob({"t000000": entry(0, 4)}, bytes(4)), "t000000"),
        (blob({"__metadata__": {"format": "pt"}, **ONE}, bytes(4)), "__metadata__"),
        (blob({"t0": 4}, bytes(4)), "4"),
        (blob({"t0": {"dtype": "F32", "shape": [1]}}, bytes(4)), "dtype"),
        (blob({"t0": {**entry(0, 4), "more": 1}}, bytes(4)), "more"),
        (blob({"t0": entry(0, 4, dtype="F8")}, bytes(4)), "F8"),
        (blob({"t0": entry(0, 4, dtype=["F32"])}, bytes(4)), "F32"),
        (blob({"t0": entry(0, 4, dtype=None)}, bytes(4)), "None"),
        (blob({"t0": entry(0, 4, shape="1")}, bytes(4)), "a str"),
        (blob({"t0": entry(0, 4, shape=[True])}, bytes(4)), "True"),
        (blob({"t0": entry(0, 4, shape=[1.0])}, bytes(4)), "1.0"),
        (blob({"t0": entry(0, 4, shape=[-1, -1])}, bytes(4)), "-1"),
        (blob({"t0": entry(0, 4, shape=[1] * 9)}, bytes(4)), "9 items"),
        (blob({"t0": entry(0, 4, shape=[1 << 40])}, bytes(4)), str(1 << 40)),
        (blob({"t0": entry(0, 4, shape=[1 << 31] * 8)}, bytes(4)), "4 bytes"),
        (blob({"t0": entry(0, 8)}, bytes(8)), "8 bytes"),
        (blob({"t0": entry(4, 0)}, bytes(4)), "-4 bytes"),
        (blob({"t0": entry(-4, 0)}, bytes(4)), "-4"),
        (blob({"t0": entry(False, 4)}, bytes(4)), "False"),
        (blob({"t0": entry(0, 4.0)}, bytes(4)), "4.0"),
        (blob({"t0": {**entry(0, 4), "data_offsets": [0, 2, 4]}}, bytes(4)), "[0, 2, 4]"),
        (blob({"t0": {**entry(0, 4), "data_offsets": {"0": 4}}}, bytes(4)), "{'0': 4}"),
        (blob({"t0": entry(0, 8, [2]), "t1": entry(4, 12, [2])}, bytes(12)), "overlapping tensors"),
        (blob({"t0": entry(0, 4), "t1": entry(0, 4)}, bytes(4)), "overlapping tensors"),
        (blob({"t0": entry(0, 4), "t1": entry(8, 12)}, bytes(12)), "a gap between tensors"),
        (blob({"t0": entry(4, 8)}, bytes(8)), "a gap between tensors"),
        (blob(ONE, bytes(5)), "trailing bytes"),
        (blob(TWO, bytes(33)), "tensors beyond the end"),
        (blob({"t0": entry(0, MAX_NUMBERS + 1, [MAX_NUMBERS + 1], "U8")}, bytes(MAX_NUMBERS + 1)), "more"),
    ],
)
def test_improper_blob_is_refused_with_the_reason(damaged, reason):
    with pytest.raises(ArtifactError) as caught:
        audit_weights(damaged)
    assert reason in caught.value.found
    assert not caught.value.unsupported


@given(st.binary(max_size=200))
@settings(deadline=None, max_examples=100)
def test_arbitrary_bytes_are_refused_and_nothing_worse(data):
    with pytest.raises(ArtifactError):
        audit_weights(data)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
ENTRIES = st.fixed_dictionaries(
    {
        "dtype": st.sampled_from(["F32", "U8"]) | ANYTHING,
        "shape": st.lists(st.integers(-1, 3) | ANYTHING, max_size=3) | ANYTHING,
        "data_offsets": st.lists(st.integers(-1, 12) | ANYTHING, max_size=3) | ANYTHING,
    },
    optional={"extra": ANYTHING},
)


@given(st.dictionaries(st.sampled_from(["t0", "t1", "a"]), ENTRIES | ANYTHING, max_size=3), st.binary(max_size=12))
@settings(deadline=None, max_examples=80)
def test_arbitrary_header_raises_nothing_but_the_refusal(header, data):
    try:
        tensors = audit_weights(blob(header, data))
    except ArtifactError:
        return
    assert set(tensors) == set(header)


SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1}
TENSORS = st.lists(st.tuples(st.sampled_from(sorted(SIZES)), st.lists(st.integers(0, 3), max_size=3)), min_size=1)


@given(TENSORS, st.data())
@settings(deadline=None, max_examples=80)
def test_offset_that_is_moved_is_noticed(tensors, data):
    header, position = {}, 0
    for index, (dtype, shape) in enumerate(tensors):
        end = position + math.prod(shape) * SIZES[dtype]
        header[f"t{index}"] = entry(position, end, shape, dtype)
        position = end
    contents = bytes(position)
    assert len(audit_weights(blob(header, contents))) == len(tensors)
    moved = header[data.draw(st.sampled_from(sorted(header)))]["data_offsets"]
    moved[data.draw(st.sampled_from([0, 1]))] += data.draw(st.integers(-9, 9).filter(bool))
    with pytest.raises(ArtifactError):
        audit_weights(blob(header, contents))
