"""The commands that look at one model, `explain` and `predict`, and what `check` shares with them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.assignment import Assignment
from harness.errors import ExitCode, UsageError
from harness.records import Outcome, Rejected
from harness.sandbox.support import obstacle

if TYPE_CHECKING:
    from harness.activations import Prediction
    from harness.examine import Examined
    from harness.models import KeptModel

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
ENTRY = click.option(
    "--entry", default="", metavar="FILE:MODEL", help='Name the model, as in "model.py:Net(classes=10)".'
)
EXIT_CODES = {Outcome.PASSED: ExitCode.PASSED, Outcome.FAILED: ExitCode.FAILED}


def folder_of(path: Path) -> Path:
    """The submission that a file named model.py stands for."""
    return path.absolute().parent if path.name == "model.py" and path.is_file() else path


def warn_without_walls() -> None:
    """Say on the error stream that a student's file ran like any program, where it did."""
    if missing := obstacle():
        click.echo(f"Notice: {missing}. Your file ran without walls, like any program you start.", err=True)


def examined(path: Path, entry: str, assignment: Assignment) -> Examined:
    """One submission, built from two seeds and verified."""
    from harness.discover import take_in
    from harness.executors import Zygotes

    found = take_in(path, entry=entry, patterns=assignment.files)
    if isinstance(found, Rejected):
        from harness.examine import Examined, rejected

        return Examined(rejected(found))
    with Zygotes(walls=not obstacle()) as zygotes:
        zygote = zygotes.get(found.framework)
        from harness.examine import examine
        from reference.lenet5 import LENET5

        return examine(found, zygote, [0, 1], assignment, LENET5, together=True)


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="[LAYER=]COUNT",
    help='A count to judge: "conv1=146", "120*(5*5*16+1)=30840", or a number alone, which is about the next layer.',
)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="English or Chinese.")
@ENTRY
@JSON
def explain(path: Path, claims: tuple[str, ...], lang: str, entry: str, as_json: bool) -> None:
    """Print the layer table of the submission at PATH with every count spelled out, and judge claims about it.

    Claims are those in the submission's own PARAMETERS, and those of --claim. A wrong claim is answered with the right
    sum and, where it is known, the slip behind it. Trains nothing.
    """
    from harness.explanation import explained
    from harness.phrases import Language
    from harness.sums import read
    from harness.verify import by_reference_name
    from reference.lenet5 import LENET5

    written = [read(text) for text in claims]
    found = examined(folder_of(path), entry, Assignment(architecture="free"))
    verdict = found.verdict
    named = by_reference_name(verdict.layers, found.input_shape, LENET5) if verdict.layers else {}
    explanation = explained(verdict, named, written, Language(lang))
    warn_without_walls()
    if as_json:
        from harness.reports.explained import explained_json

        click.echo(json.dumps(explained_json(explanation), indent=2, ensure_ascii=False))
    else:
        from harness.reports.explained import explained_view
        from harness.reports.terminal import make_console

        make_console().print(explained_view(explanation))
    sys.exit(ExitCode.PASSED if explanation.layers else EXIT_CODES.get(verdict.outcome, ExitCode.OUR_FAULT))


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument(
    "pictures", type=click.Path(path_type=Path, dir_okay=False), nargs=-1, required=True, metavar="IMAGE..."
)
@click.option(
    "--show",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.svg",
    help="Draw each picture, the digit as the model sees it, and what each layer makes of it.",
)
@JSON
def predict(model: Path, pictures: tuple[Path, ...], show: Path | None, as_json: bool) -> None:
    """Ask the kept model MODEL which digit is on each IMAGE: a PNG or JPEG of any size and colour.

    MODEL is a folder that `harness grade --keep-models` wrote, or the weights of one of its seeds.
    """
    from harness.models import load_model

    if show is not None and show.suffix.lower() != ".svg":
        raise UsageError("a file that ends in .svg for --show", str(show), "every browser opens an SVG file")
    kept = load_model(model)
    if kept.card.dataset != "mnist":
        click.echo(f"Notice: this model learned {kept.card.dataset}; pictures are prepared as digits.", err=True)
    found = _predictions(kept, pictures, with_activations=show is not None)
    _tell(kept, found, as_json)
    if show is not None:
        from harness.reports.activations import activations_svg
        from harness.reports.writing import write_files

        picture = activations_svg(kept.card.submission, found)
        write_files({show.name: picture}, show.parent, advice="fix the place or choose another with --show")
        click.echo(f"Written: {show}", err=True)
    sys.exit(ExitCode.USAGE if any(item.problem for item in found) else ExitCode.PASSED)


def _predictions(model: KeptModel, pictures: tuple[Path, ...], *, with_activations: bool) -> list[Prediction]:
    from harness.assignment import SafetyLimits
    from harness.executors import Zygotes
    from harness.prediction import predict_all

    with Zygotes(walls=not obstacle()) as zygotes:
        zygote = zygotes.get(model.card.framework)
        return list(predict_all(model, pictures, zygote, SafetyLimits(), activations=with_activations))


def _tell(model: KeptModel, predictions: list[Prediction], as_json: bool) -> None:
    from harness.reports.predicted import predictions_json, predictions_view

    if as_json:
        click.echo(json.dumps(predictions_json(model.card.submission, model.seed, predictions), indent=2))
        return
    from harness.reports.terminal import make_console

    make_console().print(predictions_view(model.card.submission, model.seed, predictions))
