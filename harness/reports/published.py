"""Published models next to what was measured: Markdown, CSV, JSON, HTML, a picture and a terminal table. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness import __version__
from harness.reports import page, wording
from harness.reports.axis import Axis, Bar
from harness.reports.machine import SCHEMA_VERSION, in_lines, number
from harness.reports.markdown import grid, measured_with, table, warning
from harness.reports.neutral import markdown, neutral
from harness.reports.spreadsheet import records_csv
from harness.reports.svg import Box, svg_file
from harness.reports.wording import Column
from harness.scoring.agreement import RULE, Agreement, Reproduction, Reproductions

TITLE = "Published models, trained again"
PICTURE = "pictures/published.svg"
_WIDE = 0.05
"""Agreement over a range of accuracies wider than this is reported as weak."""
_STEPS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_STYLES = {Agreement.REPRODUCED: "green", Agreement.DIFFERS: "yellow", Agreement.FAILED: "red"}
BADGES = {Agreement.REPRODUCED: "ranked", Agreement.DIFFERS: "provisional", Agreement.FAILED: "failed"}
"""The badge style of each agreement."""


COLUMNS: tuple[Column[Reproduction], ...] = (
    Column("submission", "model", "", lambda r: r.name),
    Column("", "framework", "", lambda r: wording.framework(r.framework)),
    Column("", "published", "", lambda r: _decimals(r.published.figures.accuracy, r), True),
    Column("measured", "measured", "", lambda r: _decimals(r.row.accuracy, r), True),
    Column("interval", "95 % interval", "", lambda r: _interval(r), True),
    Column("", "difference", "", lambda r: _difference(r.difference), True),
    Column("", "published loss", "", lambda r: wording.loss(r.published.figures.loss), True),
    Column("", "loss", "", lambda r: wording.loss(r.loss), True),
    Column("", "parameters", "", lambda r: wording.count(r.row.parameters), True),
    Column("", "seeds", "", lambda r: wording.seeds(r.row), True),
    Column("verdict", "verdict", "", lambda r: str(r.agreement)),
)
_TRAINED_BY = Column[Reproduction]("", "trained by", "", lambda r: r.row.trained_by or wording.NOTHING)
_CROSS_CHECK = Column[Reproduction](
    "", "seed 0 by framework", "", lambda r: _decimals(r.row.cross_accuracy, r), right=True
)


def columns_of(found: Reproductions) -> tuple[Column[Reproduction], ...]:
    """The columns, with what trained each model and its accuracy in the other engine where these are known."""
    trained = [_TRAINED_BY] if any(r.row.engine for r in found.rows) else []
    crossed = [_CROSS_CHECK] if any(r.row.cross_accuracy is not None for r in found.rows) else []
    return (*COLUMNS[:-1], *trained, *crossed, COLUMNS[-1])


def _decimals(value: float | None, reproduction: Reproduction) -> str:
    return wording.NOTHING if value is None else f"{value:.{reproduction.published.figures.decimals}f}"


def _difference(value: float | None) -> str:
    return wording.NOTHING if value is None else f"{value:+.4f}".replace("-", "−")


def _interval(reproduction: Reproduction) -> str:
    low, high = reproduction.row.accuracy_low, reproduction.row.accuracy_high
    return wording.NOTHING if low is None or high is None else f"{low:.4f}–{high:.4f}"


def remarks(found: Reproductions) -> list[tuple[str, str]]:
    """Remarks on a model besides its figures: name and sentence."""
    texts = []
    for row in found.rows:
        texts += [(row.name, row.why)] if row.why else []
        texts += [(row.name, text)] if (text := _weak(row)) else []
        stated = row.published.figures.parameters
        if stated is not None and row.row.parameters not in (None, stated):
            texts.append((row.name, f"{row.row.parameters:,} parameters, but {stated:,} were published"))
        texts += [(row.name, row.published.figures.note)] if row.published.figures.note else []
    return texts


def _weak(row: Reproduction) -> str:
    """A remark that nearly any figure would agree with the measurement."""
    low, high = row.bounds or (0.0, 0.0)
    if row.agreement is not Agreement.REPRODUCED or high - low <= _WIDE:
        return ""
    ends = f"{max(low, 0.0):.4f} to {min(high, 1.0):.4f}"
    return f"the runs vary so much that any figure from {ends} would agree: use more seeds"


def summary(found: Reproductions) -> str:
    """`5 of 6 reproduced.`, and what is not finished yet."""
    reproduced = sum(row.agreement is Agreement.REPRODUCED for row in found.rows)
    waiting = f" Not finished yet: {', '.join(found.pending)}." if found.pending else ""
    return f"{reproduced} of {len(found.rows)} reproduced.{waiting}"


def render_published(found: Reproductions) -> dict[str, str]:
    """Every file by its path below the folder of reports."""
    found = neutral(found)
    files = {
        "published.md": _markdown(found),
        "published.csv": records_csv([_plain(row) for row in found.rows]),
        "published.json": _json(found),
        "published.html": _html(found),
    }
    chart = chart_of(found.rows)
    if chart:
        body = _macros().differences(found.rows, chart)
        box = Box(0, -8, 790, 40 + 22 * len(found.rows))
        files[PICTURE] = svg_file(f"{TITLE}: measured minus published accuracy", box, body)
    return files


def _macros() -> Any:
    return page.environment().get_template("differences.html").module


def _markdown(found: Reproductions) -> str:
    recipes = [[row.name, row.recipe] for row in found.rows]
    blocks = [
        f"# {TITLE}",
        *warning(found.sandboxed),
        markdown(summary(found)),
        *([table(columns_of(found), found.rows)] if found.rows else []),
        *([f"![Measured minus published accuracy]({PICTURE})"] if chart_of(found.rows) else []),
        "\n".join(f"- **{markdown(name)}**: {markdown(text)}" for name, text in remarks(found)),
        "## How it was measured",
        markdown(RULE),
        markdown(MEASURED),
        *([grid(["model", "recipe"], recipes, ["left", "left"])] if recipes else []),
        *measured_with(found.environment, found.command),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


MEASURED = (
    "Each model is built from its source, and its graph is trained with its authors' recipe on the training images "
    "only; the test images are used once, after the last epoch. Accuracy and loss (mean negative log-likelihood) are "
    "means over the seeds on the 10,000 test images; the interval treats seeds and images as samples."
)


def _plain(row: Reproduction) -> dict[str, Any]:
    """One row in plain values: for CSV and JSON."""
    figures, bounds = row.published.figures, row.bounds or (None, None)
    return {
        "name": row.name,
        "model": row.published.name,
        "framework": str(row.framework),
        "published": figures.accuracy,
        "accuracy": number(row.row.accuracy),
        "accuracy_low": number(row.row.accuracy_low),
        "accuracy_high": number(row.row.accuracy_high),
        "difference": number(row.difference),
        "agrees_low": number(bounds[0]),
        "agrees_high": number(bounds[1]),
        "published_loss": figures.loss,
        "loss": number(row.loss),
        "published_parameters": figures.parameters,
        "parameters": row.row.parameters,
        "verdict": str(row.agreement),
        "reason": row.why,
        "seeds_done": row.row.seeds_done,
        "seeds_asked": row.row.seeds_asked,
        "seconds": number(row.row.seconds),
        "trained_by": row.row.engine and str(row.row.engine),
        "cross_accuracy": number(row.row.cross_accuracy),
        "recipe": row.recipe,
        "fingerprint": row.row.fingerprint,
    }


def _json(found: Reproductions) -> str:
    return in_lines(
        {
            "schema_version": SCHEMA_VERSION,
            "harness_version": __version__,
            "title": TITLE,
            "rule": RULE,
            "pending": list(found.pending),
            "sandboxed": found.sandboxed,
            "command": found.command,
            "environment": dict(found.environment),
            "rows": [{**_plain(row), "seed_accuracies": list(row.row.seed_accuracies)} for row in found.rows],
        }
    )


@dataclass(frozen=True)
class Chart:
    """Differences on one axis: a bar for each measured row, and start and width of the band of the published figure's
    error."""

    axis: Axis
    zero: str
    bars: tuple[Bar | None, ...]
    bands: tuple[tuple[str, str], ...]

    def label(self, tick: float) -> str:
        """A difference in percentage points."""
        return f"{100 * tick:+.2f}".rstrip("0").rstrip(".").replace("-", "−") if abs(tick) > 1e-9 else "0"


def chart_of(rows: Sequence[Reproduction]) -> Chart | None:
    """Measured minus published, with intervals and seeds; None where nothing was measured."""
    values = [value for row in rows for value in _drawn(row)]
    if not values:
        return None
    axis = _axis(min(values), max(values))
    errors = (row.error for row in rows)
    bands = tuple((axis.at(-error), f"{200 * error / (axis.high - axis.low):.2f}%") for error in errors)
    return Chart(axis, axis.at(0), tuple(_bar(axis, row) for row in rows), bands)


def _drawn(row: Reproduction) -> list[float]:
    """Everything that is drawn of a row, as differences from the published accuracy."""
    if row.difference is None:
        return []
    zero, error = row.published.figures.accuracy, row.error
    seen = [row.row.accuracy_low, row.row.accuracy_high, *row.row.seed_accuracies]
    return [-error, error, row.difference, *(value - zero for value in seen if value is not None)]


def _axis(low: float, high: float) -> Axis:
    margin = 0.04 * (high - low)
    low, high = low - margin, high + margin
    step = next((step for step in _STEPS if (high - low) / step <= 8), _STEPS[-1])
    return Axis(low, high, tuple(i * step for i in range(math.ceil(low / step), math.floor(high / step) + 1)))


def _bar(axis: Axis, row: Reproduction) -> Bar | None:
    if row.difference is None:
        return None
    zero, mean = row.published.figures.accuracy, row.row.accuracy or 0.0
    low, high = (mean if value is None else value for value in (row.row.accuracy_low, row.row.accuracy_high))
    seeds = tuple(axis.at(value - zero) for value in row.row.seed_accuracies)
    return Bar(axis.at(low - zero), axis.at(high - zero), axis.at(mean - zero), seeds, is_off=False)


def _html(found: Reproductions) -> str:
    return page.render(
        "published.html",
        style=page.file("colors.css", "page.css", "pictures.css"),
        title=TITLE,
        found=found,
        columns=columns_of(found),
        badges=BADGES,
        chart=chart_of(found.rows),
        summary=summary(found),
        remarks=remarks(found),
        sentences=(RULE, MEASURED),
    )


def published_table(found: Reproductions) -> RenderableType:
    """What `harness reproduce` prints."""
    found = neutral(found)
    grid_ = Table(title=Text(TITLE, style="bold"), title_justify="left")
    columns = columns_of(found)
    for column in columns:
        grid_.add_column(column.title, justify="right" if column.right else "left", overflow="fold")
    for row in found.rows:
        cells = [Text(column.text(row), style=_style(column, row)) for column in columns]
        grid_.add_row(*cells)
    texts = [Text.assemble((name, "bold"), f": {text}") for name, text in remarks(found)]
    unsafe = [] if found.sandboxed else [Text(wording.UNSANDBOXED, style="bold red")]
    return Group(*unsafe, grid_, Text(summary(found)), *texts)


def _style(column: Column[Reproduction], row: Reproduction) -> str:
    return _STYLES[row.agreement] if column.key == "verdict" else ""
