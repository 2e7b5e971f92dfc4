"""The board and the verdict as JSON, for programs. Pure.

Numbers are unrounded; a number that is missing, NaN or infinite is null. Accuracies are fractions of the test images.
docs/leaderboard.schema.json describes the board's document field by field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any

from harness import __version__
from harness.records.board import Board, Confusion, Difference, Digit, Pair, Points, Row, SeedRun
from harness.records.check import Check, Outcome
from harness.records.claim import Claim
from harness.records.layer import Layer
from harness.records.run import Curve
from harness.records.verdict import Verdict
from harness.reports.neutral import neutral

SCHEMA_VERSION = 2
"""Raised whenever a program that reads the old document could not read the new one."""


def board_json(board: Board) -> str:
    """leaderboard.json: the board's own fields, one per line, then each row and each pair on its own line."""
    board = neutral(board)
    document = {
        "schema_version": SCHEMA_VERSION,
        "harness_version": __version__,
        "title": board.title,
        "dataset": board.dataset,
        "budget": board.budget,
        "budget_hash": board.budget_hash,
        "reference": board.reference,
        "reference_parameters": board.reference_parameters,
        "sandboxed": board.sandboxed,
        "anonymous": board.anonymous,
        "smallest_difference": number(board.smallest_difference),
        "command": board.command,
        "environment": board.environment,
        "notes": list(board.notes),
        "points_rule": board.points_rule,
        "confusion": _matrix(board.confusion),
        "hardest": [_digit(digit) for digit in board.hardest],
        "rows": [_row(row) for row in board.rows],
        "pairs": [_pair(pair, board.rows) for pair in board.pairs],
    }
    return in_lines(document)


def in_lines(document: dict[str, Any]) -> str:
    """Each field, and each item of a list of records, on its own line: easy to read and to diff."""
    fields = [f"  {_compact(name)}: {_lines_of(value)}" for name, value in document.items()]
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _lines_of(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(f"    {_compact(item)}" for item in value) + "\n  ]"
    return _compact(value)


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """What `check --json` prints, ready for `json.dumps`."""
    verdict = neutral(verdict)
    return {
        "submission": verdict.submission,
        "status": str(verdict.outcome),
        "framework": _text(verdict.framework),
        "entry": verdict.entry,
        "input_form": verdict.input_form,
        "output_kind": _text(verdict.output_kind),
        "matches_reference": verdict.matches_reference,
        "parameters": verdict.parameters,
        "macs": verdict.macs,
        "fingerprint": verdict.fingerprint,
        "layers": [_layer(layer) for layer in verdict.layers],
        "checks": [check.as_dict() for check in verdict.checks],
        "claims": [_claim(claim) for claim in verdict.claims],
    }


def _row(row: Row) -> dict[str, Any]:
    return {**_standing(row), **_measured(row), **_model(row), **_mistakes(row)}


def _standing(row: Row) -> dict[str, Any]:
    return {
        "place_low": row.place_low,
        "place_high": row.place_high,
        "versus_reference": _text(row.versus_reference),
        "reference_difference": _difference(row.reference_difference),
        "submission": row.submission,
        "framework": _text(row.framework),
        "status": str(row.status),
        "reason": row.reason,
        "is_reference": row.is_reference,
        "matches_reference": row.matches_reference,
        "findings": [_finding(check) for check in row.findings],
        "points": row.points and _points(row.points),
    }


def _finding(check: Check) -> dict[str, Any]:
    return {
        "name": check.name,
        "fails": check.outcome is Outcome.FAILED,
        "brief": check.brief,
        "expected": check.expected,
        "found": check.found,
        "try": check.try_,
    }


def _points(points: Points) -> dict[str, Any]:
    return {
        "earned": number(points.earned),
        "possible": number(points.possible),
        "parts": [
            {"name": p.name, "earned": number(p.earned), "possible": number(p.possible), "why": p.why}
            for p in points.parts
        ],
    }


def _measured(row: Row) -> dict[str, Any]:
    return {
        "parameters": row.parameters,
        "macs": row.macs,
        "accuracy": number(row.accuracy),
        "accuracy_low": number(row.accuracy_low),
        "accuracy_high": number(row.accuracy_high),
        "errors_per_10000": number(row.errors_per_10000),
        "seed_accuracies": _numbers(row.seed_accuracies),
        "seeds_done": row.seeds_done,
        "seeds_asked": row.seeds_asked,
        "seconds": number(row.seconds),
        "trained_by": _text(row.engine),
        "distrust": row.distrust,
        "cross_accuracy": number(row.cross_accuracy),
        "runs": [_seed_run(run) for run in row.runs],
    }


def _seed_run(run: SeedRun) -> dict[str, Any]:
    return {
        "seed": run.seed,
        "status": str(run.status),
        "reason": run.reason,
        "accuracy": number(run.accuracy),
        "seconds": number(run.seconds),
        "peak_memory": run.peak_memory,
        **_curve(run.curve),
    }


def _model(row: Row) -> dict[str, Any]:
    return {
        "fingerprint": row.fingerprint,
        "same_as": list(row.same_as),
        "twin_group": row.twin_group,
        "entry": row.entry,
        "input_form": row.input_form,
        "output_kind": _text(row.output_kind),
        "layers": [_layer(layer) for layer in row.layers],
        "checks": [check.as_dict() for check in row.checks],
        "claims": [_claim(claim) for claim in row.claims],
    }


def _mistakes(row: Row) -> dict[str, Any]:
    return {"confusion": _matrix(row.confusion), "surprises": [_digit(digit) for digit in row.surprises]}


def _matrix(confusion: Confusion) -> list[list[int]]:
    return [list(line) for line in confusion]


def _digit(digit: Digit) -> dict[str, Any]:
    return {"index": digit.index, "label": digit.label, "answer": digit.answer, "right": number(digit.right)}


def _difference(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {"value": number(difference.value), "low": number(difference.low), "high": number(difference.high)}


def _pair(pair: Pair, rows: Sequence[Row]) -> dict[str, Any]:
    """Positions identify the rows: two names may look the same once they are cleaned."""
    return {
        "first": pair.first,
        "second": pair.second,
        "first_submission": rows[pair.first].submission,
        "second_submission": rows[pair.second].submission,
        "difference": _difference(pair.difference),
        "clear": pair.is_clear,
    }


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "kind": layer.kind,
        "label": layer.label,
        "output_shape": list(layer.output_shape),
        "parameters": layer.parameters,
        "frozen": layer.frozen,
        "constants": layer.constants,
        "macs": layer.macs,
        "formula": layer.formula,
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "name": claim.name,
        "claimed": claim.claimed,
        "right": claim.right,
        "formula": claim.formula,
        "reason": claim.reason,
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "train_loss": _numbers(curve.train_loss),
        "validation_loss": _numbers(curve.validation_loss),
        "validation_accuracy": _numbers(curve.validation_accuracy),
        "train_accuracy": _numbers(curve.train_accuracy),
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _numbers(values: Iterable[float]) -> list[float | None]:
    return [number(value) for value in values]


def number(value: float | None) -> float | None:
    """The value, or None where JSON cannot represent it."""
    return value if value is not None and math.isfinite(value) else None
