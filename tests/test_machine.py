"""leaderboard.json against its published schema: strict, and every figure where a program looks for it."""

import copy
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from example_board import board
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from test_reports_hostile import hostile, one

from harness.records.board import Board, Difference, Digit, Pair, Row, Status, Versus
from harness.records.check import Outcome
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.records.run import RunStatus
from harness.reports.machine import SCHEMA_VERSION, board_json

PATH = Path(__file__).parents[1] / "docs" / "leaderboard.schema.json"
SCHEMA = json.loads(PATH.read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)
CONFUSION = tuple(tuple(1000 * (line == column) for column in range(10)) for line in range(10))
DIGIT = Digit(4571, 6, 0, 0.25)


def full() -> Board:
    """The golden board with something in every field."""
    plain = board()
    first, *others = plain.rows
    first = replace(first, reference_difference=Difference(0.01, 0.005, 0.015), confusion=CONFUSION, surprises=(DIGIT,))
    pairs = (
        Pair(0, 1, Difference(0.0125, 0.001, 0.024), is_clear=True),
        Pair(1, 2, Difference(0.0, math.nan, math.inf), is_clear=False),
    )
    return replace(
        plain, rows=(first, *others), pairs=pairs, confusion=CONFUSION, hardest=(DIGIT,), images={4571: b"\1" * 784},
        command="harness grade submissions",
    )  # fmt: skip


def document(of: Board) -> Any:
    return json.loads(board_json(of))


EMPTY = Board("nobody yet", "MNIST", "quick", "0", "LeNet-5", 0, ())


@pytest.mark.parametrize("of", [full(), board(), EMPTY], ids=["full", "golden", "empty"])
def test_a_board_is_what_the_schema_says(of: Board) -> None:
    VALIDATOR.validate(document(of))


@settings(max_examples=25, deadline=None)
@given(hostile)
def test_a_hostile_board_is_what_the_schema_says(text: str) -> None:
    VALIDATOR.validate(document(one(text)))


def records(schema: Any) -> Iterator[dict[str, Any]]:
    """Every part of a schema that describes an object or an array."""
    if isinstance(schema, dict):
        yield schema
        for part in schema.values():
            yield from records(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from records(part)


def test_the_schema_is_strict_and_every_property_is_described() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    objects = [part for part in records(SCHEMA) if part.get("type") == "object"]
    assert len(objects) > 8
    for part in objects:
        named = part.get("properties", {})
        assert part["additionalProperties"] is False or (not named and part["additionalProperties"]["type"] == "string")
        assert set(part.get("required", ())) == set(named)
        assert all(value.get("description", "").endswith(".") for value in named.values())
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION
    assert SCHEMA["$id"].endswith(f":{SCHEMA_VERSION}")


def test_the_schema_knows_every_status() -> None:
    definitions = SCHEMA["$defs"]
    row, run = definitions["row"]["properties"], definitions["run"]["properties"]
    assert set(row["status"]["enum"]) == set(Status)
    assert set(run["status"]["enum"]) == set(RunStatus)
    assert set(row["versus_reference"]["enum"]) == {*Versus, None}
    assert set(row["framework"]["enum"]) == {*Framework, None}
    assert set(row["output_kind"]["enum"]) == {*OutputKind, None}
    assert set(definitions["outcome"]["enum"]) == set(Outcome)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the objects of a document are whose fields are fixed."""
    if isinstance(value, dict):
        yield path
        for name, part in value.items():
            if name != "environment":
                yield from places(part, (*path, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


@pytest.mark.parametrize("path", list(places(document(full()))), ids=str)
def test_a_missing_field_and_an_extra_field_are_refused(path: tuple[Any, ...]) -> None:
    original = document(full())
    for name in (*at(original, path), None):
        changed = copy.deepcopy(original)
        if name is None:
            at(changed, path)["more"] = 1
        else:
            del at(changed, path)[name]
        with pytest.raises(ValidationError):
            VALIDATOR.validate(changed)


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


def test_pairs_name_their_rows_by_position() -> None:
    found = document(full())
    first, second = found["pairs"]
    assert first == {
        "first": 0,
        "second": 1,
        "first_submission": "gwen_bigger",
        "second_submission": "ada_torch_class",
        "difference": {"value": 0.0125, "low": 0.001, "high": 0.024},
        "clear": True,
    }
    assert second["difference"] == {"value": 0.0, "low": None, "high": None}
    assert (
        found["rows"][0]["surprises"] == found["hardest"] == [{"index": 4571, "label": 6, "answer": 0, "right": 0.25}]
    )
    assert found["confusion"][3][3] == 1000 and "images" not in found


@given(st.floats(0, 1))
def test_numbers_are_not_rounded(accuracy: float) -> None:
    row = Row("ada", None, Status.RANKED, accuracy=accuracy)
    assert document(replace(EMPTY, rows=(row,)))["rows"][0]["accuracy"] == accuracy


def test_a_row_stands_on_a_line_of_its_own() -> None:
    text = board_json(full())
    lines = [line for line in text.splitlines() if line.startswith("    {")]
    assert len(lines) == len(full().rows) + len(full().pairs) + len(full().hardest)
    assert [json.loads(line.rstrip(",")) for line in lines][1:-2] == document(full())["rows"]
