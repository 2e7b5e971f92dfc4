"""A saved model's predictions for pictures, for a terminal and for programs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from harness.model.visible import Prediction
from harness.records.inputs import CLASSES
from harness.reports import wording
from harness.reports.neutral import clean
from harness.reports.terminal import plain_table


def predictions_view(submission: str, seed: int, predictions: Sequence[Prediction]) -> RenderableType:
    """A line for each picture: first and second guess, then the ten probabilities in percent."""
    table = plain_table()
    table.add_column("picture", overflow="fold")
    for title in ("first guess", "second guess", *map(str, range(CLASSES))):
        table.add_column(title, justify="right")
    for item in predictions:
        if not item.problem:
            table.add_row(*_line(item))
    header = Text.assemble((clean(submission), "bold"), f"  seed {seed}, probabilities in percent\n")
    return Group(header, *([table] if table.rows else []), *map(_problem, (i for i in predictions if i.problem)))


def _line(item: Prediction) -> list[Text]:
    first, second, *_ = item.guesses
    guesses = [Text(guess(item, first), style="bold green"), Text(guess(item, second))]
    shares = [Text(f"{100 * p:.1f}", style="bold" if c == first else "dim") for c, p in enumerate(item.probabilities)]
    return [Text(clean(item.picture)), *guesses, *shares]


def guess(item: Prediction, digit: int) -> str:
    """`7 (98.2 %)`."""
    return f"{digit} ({wording.accuracy(item.probabilities[digit], 1)})"


def _problem(item: Prediction) -> Text:
    messages = zip(("expected", "found", "try"), item.problem or (), strict=True)
    lines = [f"\n  {heading:<9}{clean(text)}" for heading, text in messages]
    return Text.assemble(("\n✗ ", "red"), (clean(item.picture), "bold"), *lines)


def predictions_json(submission: str, seed: int, predictions: Sequence[Prediction]) -> dict[str, Any]:
    """What `predict --json` prints, ready for `json.dumps`. `digit` is the 28x28 image as the model saw it."""
    return {
        "submission": clean(submission),
        "seed": seed,
        "predictions": [_json(item) for item in predictions],
    }


def _json(item: Prediction) -> dict[str, Any]:
    if item.problem:
        expected, found, try_ = map(clean, item.problem)
        return {"picture": clean(item.picture), "problem": {"expected": expected, "found": found, "try": try_}}
    first, second, *_ = item.guesses
    rows = [list(item.digit[start : start + 28]) for start in range(0, len(item.digit), 28)]
    return {
        "picture": clean(item.picture),
        "first": first,
        "second": second,
        "probabilities": list(item.probabilities),
        "digit": rows,
    }
