"""What hostile data may cost in the controller: no input takes more than linear time, or much memory beyond itself.

Times are processor seconds, and limits many times what was measured; what was quadratic took several times the limit.
"""

import json
import struct
import time
import tracemalloc
from collections.abc import Callable

import pytest
from audit_fuzz import Case, outlay
from hostile_graphs import HOSTILE

from harness.artifact.audit import MAX_GRAPH, MAX_LABELS, audit, read_trained
from harness.artifact.reading import MAX_NESTING, MAX_VALUES, parse
from harness.artifact.weights import MAX_NUMBERS
from harness.jobs import frames
from harness.language.builder import Builder
from harness.language.text import assembled, read_model
from harness.model.claims import judged
from harness.model.table import layer_table
from harness.model.verify import align
from harness.records.artifact import Artifact
from harness.records.claim import Statement
from harness.records.errors import ArtifactError
from harness.records.framework import Framework
from harness.records.graph import Tensor, TensorKind
from harness.records.layer import Layer
from reference.lenet5 import LENET5

MEMORY = 64 << 20
SECONDS = 5.0


def took(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def memory(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def refused_or_not(work: Callable[[], object]) -> Callable[[], None]:
    def tried() -> None:
        try:
            work()
        except ArtifactError as error:
            assert error.found.isprintable()

    return tried


N = MAX_GRAPH
BOMBS = {
    "empty lists": b'{"a":[' + b"[]," * (N // 3 - 5) + b"[]]}",
    "as many lists as may be": b'{"a":[' + b"[]," * (MAX_VALUES // 2 - 5) + b"[]]}",
    "as many objects as may be": b'{"a":[' + b'{"":0},' * (MAX_VALUES // 3 - 5) + b"0]}",
    "as many names as may be": ("{" + ",".join(f'"{n:06x}":0' for n in range(MAX_VALUES // 2 - 5)) + "}").encode(),
    "as many fractions as may be": b'{"a":[' + b"1e5," * (MAX_VALUES - 5) + b"0]}",
    "long numbers": b'{"a":[' + (b"9" * 4000 + b",") * (N // 4001 - 5) + b"0]}",
    "a number that is too long": b'{"a":' + b"9" * (N - 10) + b"}",
    "brackets in a text": b'{"a":"' + b"[{,:" * (N // 4 - 5) + b'"}',
    "backslashes": b'{"a":"' + b"\\\\" * (N // 2 - 5) + b'"}',
    "escaped quotes": b'{"a":"' + b'\\"' * (N // 2 - 5) + b'"}',
    "characters of four bytes": '{"a":"\U0001f600'.encode() + b"a" * (N - 20) + b'"}',
    "escaped characters": b'{"a":"' + b"\\ud83d\\ude00" * (N // 12 - 5) + b'"}',
    "brackets alone": b"[" * N,
    "deep objects": b'{"a":' * (N // 5 - 5),
    "quotes alone": b'"' * N,
    "nothing": b"\0" * N,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_json_of_any_kind_is_read_or_refused_with_little_memory_and_soon(bomb):
    text = BOMBS[bomb]
    assert len(text) <= MAX_GRAPH
    read = refused_or_not(lambda: parse(text, MAX_GRAPH, "a text"))
    assert memory(read) < MEMORY // 2
    assert took(read) < 1


@pytest.mark.parametrize("bomb", BOMBS)
def test_header_of_a_frame_is_read_or_refused_with_little_memory_and_soon(bomb):
    text = BOMBS[bomb][: frames.MAX_HEADER]
    for whole in (text, text[: text.rfind(b",")] + b"]}"):
        frame = frames.MAGIC + struct.pack("<I", len(whole)) + whole
        read = refused_or_not(lambda frame=frame: frames.decode(frame))
        assert memory(read) < MEMORY
        assert took(read) < 1


@pytest.mark.parametrize(("depth", "is_read"), [(MAX_NESTING, True), (MAX_NESTING + 1, False)])
def test_nesting_is_counted_outside_of_texts(depth, is_read):
    text = b'{"]}":' * depth + b'"[[[["' + b"}" * depth
    if is_read:
        assert parse(text, MAX_GRAPH, "a text")
    else:
        with pytest.raises(ArtifactError, match=f"nested {depth} deep"):
            parse(text, MAX_GRAPH, "a text")


def blob(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


OFTEN = ("torch_writes_through_thousands_of_views", "tensorflow_axes_reversed_thousands_of_times")
EACH = [name if name in OFTEN else pytest.param(name, marks=pytest.mark.long) for name in HOSTILE]


@pytest.mark.parametrize("name", EACH)
def test_graph_made_to_take_long_ends_soon_with_little_memory(name):
    artifact = HOSTILE[name]()
    assert len(artifact.graph) < MAX_GRAPH
    took = outlay(Case(artifact), count_memory=False)
    assert took.seconds < 2 * SECONDS


@pytest.mark.long
@pytest.mark.parametrize("name", ["torch_thousands_of_tensors_in_every_layer", "torch_one_number_of_sixteen_million"])
def test_graph_made_to_take_much_memory_takes_little(name):
    assert outlay(Case(HOSTILE[name]()), count_memory=True).memory < MEMORY


def test_model_is_accepted_only_if_it_can_be_read_again():
    """Its translation may be larger than the graph that it was translated from."""
    artifact = HOSTILE["torch_writes_through_thousands_of_views"]()
    with pytest.raises(ArtifactError, match="the translated graph of at most 300,000 values"):
        audit(artifact)


@pytest.mark.parametrize("bomb", ["as many names as may be", "as many objects as may be", "backslashes"])
def test_graph_labels_and_header_that_are_large_at_once_take_little_memory(bomb):
    graph = HOSTILE["tensorflow_sums_below_thousands_of_normalizations"]().graph
    labels = BOMBS[bomb][:MAX_LABELS]
    labels = labels[: labels.rfind(b",")] + b"}" if b"," in labels else labels[:-10] + b'"}'
    header = BOMBS[bomb][: 1 << 20]
    header = header[: header.rfind(b",")] + b"}" if b"," in header else header[:-10] + b'"}'
    artifact = Artifact(Framework.TENSORFLOW, graph, labels, (blob(header), blob(header)), "")
    assert memory(refused_or_not(lambda: audit(artifact))) < MEMORY


def test_trained_weights_are_looked_at_without_a_copy():
    graph = {"format": 1, "framework": "torch", "input": [1, 28, 28]}
    spec = {"kind": "parameter", "trainable": True, "shape": [MAX_NUMBERS // 28, 28], "dtype": "F32"}
    call = {"op": "aten.sum.dim_IntList", "args": [{"tensor": "t0"}, [0]], "kwargs": {}}
    total = {"op": "aten.add.Tensor", "args": [{"input": 0}, {"node": [0, 0]}], "kwargs": {}}
    mode = {"nodes": [call, total], "output": {"node": [1, 0]}}
    text = json.dumps({**graph, "tensors": {"t0": spec}, "train": mode, "eval": mode}).encode()
    size = 4 * (MAX_NUMBERS // 28) * 28
    entry = {"dtype": "F32", "shape": spec["shape"], "data_offsets": [0, size]}
    weights = blob(json.dumps({"t0": entry}).encode(), bytes(size))
    artifact = audit(Artifact(Framework.TORCH, text, b"{}", (weights,), "")).artifact
    assert memory(lambda: read_trained(artifact)) < MEMORY


def test_layer_table_of_many_tensors_is_linear():
    tensors = [Tensor(f"t{n}", TensorKind.BUFFER, False, (2,), "F32") for n in range(20_000)]
    build = Builder((1, 28, 28), tensors)
    graph = build.finish(build.emit("Relu", build.images)).graph
    reads = build.emit("Concat", *(build.values[t.name] for t in tensors), axis=0)
    training = build.finish(build.emit("Add", build.images, build.emit("ReduceSum", reads, axes=(0,)))).graph
    model = assembled(Framework.TORCH, (1, 28, 28), tensors, training, graph)
    assert took(lambda: layer_table(model)) < SECONDS
    assert len(layer_table(model).beside) == 20_000


def many_layers(labels: list[str]) -> list[Layer]:
    return [Layer("dense", (4,), (4,), label, parameters=16, tensors=(f"t{at}",)) for at, label in enumerate(labels)]


def test_claims_about_layers_of_one_name_are_linear():
    layers = many_layers(["fc"] * 5000)
    statement = Statement((("fc", 5),) * 64)
    assert took(lambda: judged(statement, layers, {})) < SECONDS
    assert judged(statement, layers, {})[0].covers == tuple(range(5000))


def test_names_that_are_nearly_right_take_little_time_to_compare():
    layers = many_layers(["a" * 70 + f"{at:04d}" for at in range(5000)])
    statement = Statement(tuple(("a" * 74 + f"{at:04d}", 5) for at in range(64)))
    assert took(lambda: judged(statement, layers, {})) < SECONDS
    (claim,) = judged(Statement((("a" * 70 + "000x", 5),)), layers, {})
    assert claim.reason == f"no layer has this name; did you mean {'a' * 70}0000?"


def test_alignment_of_many_layers_takes_little_memory():
    layers = many_layers(["fc"] * 5000)
    assert memory(lambda: align(LENET5.layers, layers)) < 4 << 20


TEXTS = {
    **{name: text for name, text in BOMBS.items() if text[:1] == b"{"},
    "nested lists": b'{"format":2,"nodes":' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("bomb", TEXTS)
def test_text_that_is_no_model_of_the_language_is_refused_soon(bomb):
    def read() -> None:
        with pytest.raises(ArtifactError):
            read_model(TEXTS[bomb])

    assert took(read) < SECONDS
