"""Valid artifacts of both frameworks, damaged in every way we could think of, and everything that the controller does
with what a build sends: the tests and `benchmarks/fuzz_audit.py` require it to end soon, with little memory, and with a
message.

An input is a function of its seed and number, so any of them can be reproduced. No framework is imported.
"""

from __future__ import annotations

import json
import math
import random
import struct
import time
import tracemalloc
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from audit_amplified import amplified
from audit_faults import FAULTS, Document

from harness.artifact.audit import Audited, audit, audit_statement, audit_weights_of, read_artifact, read_trained
from harness.jobs import frames
from harness.language.dependence import answers_alone
from harness.language.graph import ModelGraph
from harness.model.claims import claims_checks, judged
from harness.model.explanation import explained
from harness.model.phrases import Language
from harness.model.table import layer_table, output_kind
from harness.model.verify import by_reference_name, judge
from harness.model.visible import visible
from harness.records.artifact import Artifact
from harness.records.claim import Claim, Statement
from harness.records.errors import ArtifactError
from harness.records.framework import Framework
from harness.records.verdict import Verdict
from harness.scoring.findings import of_graph
from harness.scoring.start import start_checks
from reference.lenet5 import LENET5

CORPUS = Path(__file__).parent / "audit_corpus.json"
SECONDS, MEMORY = 2.0, 64 << 20
"""The most that an input may cost: processor seconds, and bytes beyond itself."""
_AMPLIFIED = 100
"""One input in this many is large on purpose."""

Random = random.Random


@dataclass(frozen=True)
class Case:
    """What a build sends: an artifact, and the frame that it comes in."""

    artifact: Artifact
    frame: bytes = b""


@dataclass(frozen=True)
class Outlay:
    """The result for an input, and its cost: processor seconds of the longest command, and bytes if counted."""

    accepted: bool
    seconds: float
    memory: int = 0


def outlay(case: Case, *, count_memory: bool = False) -> Outlay:
    """Do everything that the controller does with an input. Raises anything that is not a refusal."""
    if count_memory:
        tracemalloc.start()
    try:
        start = time.process_time()
        audited = checked(case)
        middle = time.process_time()
        if audited is not None:
            _afterwards(audited)
        seconds = max(middle - start, time.process_time() - middle)
        return Outlay(audited is not None, seconds, tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def checked(case: Case) -> Audited | None:
    """What `check` does; the model, if the audit accepts it. Raises AssertionError for an unreadable refusal."""
    try:
        frames.decode(case.frame)
    except ArtifactError as error:
        _is_readable(error)
    try:
        audited = audit(case.artifact)
        audit_weights_of(audited.model, case.artifact.weights)
        table = layer_table(audited.model)
        of_graph(audited.model)
    except ArtifactError as error:
        _is_readable(error)
        return None
    graph = audited.model
    judge(table, graph.input_shape, graph.framework, LENET5, must_match=True, max_parameters=61_706)
    names = by_reference_name(table.layers, graph.input_shape, LENET5)
    statement = _stated(case.artifact.statement)
    claims_checks(statement, judged(statement, table.layers, names))
    return audited


def _afterwards(audited: Audited) -> None:
    """What `grade`, `predict` and `explain` do besides, with what was stored."""
    graph = read_artifact(audited.artifact)
    assert _as_read(graph) == _as_read(audited.model)
    answers_alone(graph.evaluation)
    output_kind(graph.evaluation)
    _compare_seeds(audited.artifact.weights[0], graph)
    visible(graph)
    try:
        read_trained(audited.artifact)
    except ArtifactError as error:
        _is_readable(error)
    table = layer_table(graph)
    judge(table, graph.input_shape, graph.framework, LENET5, must_match=False, max_parameters=None)
    claims = tuple(Claim(name, 61_706, None) for name in ("total", "c1", "nobody", "conv"))
    verdict = Verdict("ada", graph.framework, (), layers=table.layers, claims=claims)
    explained(verdict, by_reference_name(table.layers, graph.input_shape, LENET5), (), Language.CHINESE)


def _as_read(graph: ModelGraph) -> tuple[object, ...]:
    return graph.fingerprint, sorted(graph.tensors, key=lambda t: t.name), graph.labels, graph.evaluation.values


def _compare_seeds(blob: bytes, graph: ModelGraph) -> None:
    """Two seeds whose weights are any bits: of any size, not a number, infinite."""
    start = 8 + struct.unpack("<Q", blob[:8])[0]
    first, second = (blob[:start] + Random(seed).randbytes(len(blob) - start) for seed in (0, 1))
    trainable = [tensor for tensor in graph.tensors if tensor.trainable]
    for other in (second, blob):
        start_checks(trainable, graph.framework, first, other, first)


def _is_readable(error: ArtifactError) -> None:
    text = f"{error.expected}{error.found}{error.try_}"
    assert text.isprintable() and len(text) < 1000, text[:200]


def _stated(blob: bytes) -> Statement | None:
    try:
        return audit_statement(blob)
    except ArtifactError as error:
        _is_readable(error)
        return None


@cache
def corpus() -> list[dict[str, Any]]:
    """The valid artifacts: graph, labels, header of the weights, and statement of each."""
    return json.loads(CORPUS.read_text())


def valid(entry: dict[str, Any], size: int | None = None) -> Case:
    """An entry of the corpus, whatever its content, with weights that are all zero: of `size` bytes, or as many as the
    header says."""
    header = _text(entry["weights"])
    zeros = bytes(_size(entry["weights"]) if size is None else size)
    artifact = Artifact(
        Framework(entry["framework"]),
        _text(entry["graph"]),
        _text(entry["labels"]),
        (struct.pack("<Q", len(header)) + header + zeros,),
        "Net()",
        _text(entry["statement"]) if entry["statement"] else b"",
    )
    return Case(artifact, frames.encode({"ok": True, "entry": "Net()"}, {"graph": artifact.graph}))


def _size(header: dict[str, Any]) -> int:
    return max((entry["data_offsets"][1] for entry in header.values()), default=0)


def _text(document: Document) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def make(seed: int, number: int) -> Case:
    """The input of this number: a valid artifact with one to four faults, or a graph as large as allowed."""
    random = Random(f"{seed}/{number}")
    entry = random.choice(corpus())
    if number % _AMPLIFIED == _AMPLIFIED - 1:
        return valid(amplified(random, Framework(entry["framework"])))
    size, entry = _size(entry["weights"]), json.loads(json.dumps(entry))
    for _ in range(random.choice([1, 1, 1, 2, 3, 4])):
        random.choice(FAULTS)(random, entry)
    case = valid(entry, size)
    return random.choice(_ON_BYTES)(random, case) if random.random() < 0.2 else case


_SPLICED = [
    b"NaN", b"-Infinity", b"1e999", b"-1e999", b"9" * 5000, b"9" * 400, b"[" * 500, b"[" * 14, b'{"":' * 20, b'"\\ud800"',
    b"\xff", b"\0", b'"', b"\\", b",", b":", b'"format":1,', b"[]," * 100_001, b"[]," * 3000, b'{"a":0},' * 2000,
    b"\xf0\x9f\x98\x80", b'"a":0,"a":1,', b"-", b"0x10", b" " * 5000,
]  # fmt: skip


def _spliced(random: Random, text: bytes) -> bytes:
    """Bytes flipped, cut, or inserted."""
    at, how = random.randrange(len(text) + 1), random.randrange(5)
    if how == 0:
        return text[:at]
    if how == 1:
        return text[:at] + bytes([random.randrange(256)]) + text[at + 1 :]
    if how == 2:
        return text[:at] + text[at + random.randrange(20) :]
    return text[:at] + random.choice(_SPLICED) + text[at:]


def _in_the_graph(random: Random, case: Case) -> Case:
    return replace(case, artifact=replace(case.artifact, graph=_spliced(random, case.artifact.graph)))


def _in_labels_or_statement(random: Random, case: Case) -> Case:
    name = random.choice(["labels", "statement"])
    return replace(case, artifact=replace(case.artifact, **{name: _spliced(random, getattr(case.artifact, name))}))


def _in_the_weights(random: Random, case: Case) -> Case:
    """The length of the header, its text, its spans, the end."""
    blob, how = case.artifact.weights[0], random.randrange(4)
    size = struct.unpack("<Q", blob[:8])[0]
    header, data = blob[8 : 8 + size], blob[8 + size :]
    if how == 0:
        other = max(0, size + random.choice([-8, -1, 1, 8, 1 << 20, 1 << 62]))
        blob = struct.pack("<Q", other) + header + data
    elif how == 1:
        header = _spliced(random, header)
        blob = struct.pack("<Q", len(header)) + header + data
    elif how == 2:
        blob = (
            blob + bytes(random.choice([1, 4, 1000])) if random.random() < 0.5 else blob[: random.randrange(len(blob))]
        )
    else:
        blob = blob[: 8 + size] + random.choice([b"\0\0\xc0\x7f", b"\0\0\x80\xff"]) * math.ceil(len(data) / 4)
    return replace(case, artifact=replace(case.artifact, weights=(blob,)))


def _in_the_frame(random: Random, case: Case) -> Case:
    return replace(case, frame=_spliced(random, case.frame))


_ON_BYTES = [_in_the_graph, _in_the_graph, _in_labels_or_statement, _in_the_weights, _in_the_weights, _in_the_frame]
