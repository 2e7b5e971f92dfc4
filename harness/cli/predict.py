"""`harness predict`: classify pictures with a saved model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.options import JSON
from harness.records.errors import ExitCode, UsageError
from harness.sandbox.support import obstacle

if TYPE_CHECKING:
    from harness.model.visible import Prediction
    from harness.storage.models import KeptModel


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument(
    "pictures", type=click.Path(path_type=Path, dir_okay=False), nargs=-1, required=True, metavar="IMAGE..."
)
@click.option(
    "--show",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.svg",
    help="Draw each picture, the digit as the model sees it, and each layer's output.",
)
@JSON
def predict(model: Path, pictures: tuple[Path, ...], show: Path | None, as_json: bool) -> None:
    """Ask the saved model MODEL which digit each IMAGE shows: a PNG or JPEG of any size and color.

    MODEL is a folder that `harness grade --keep-models` wrote, or the weights of one of its seeds.
    """
    from harness.storage.models import load_model

    if show is not None and show.suffix.lower() != ".svg":
        raise UsageError("a file that ends in .svg for --show", str(show), "choose a name that ends in .svg")
    kept = load_model(model)
    if kept.card.dataset != "mnist":
        click.echo(f"Notice: this model learned {kept.card.dataset}; pictures are prepared as digits.", err=True)
    found = _predictions(kept, pictures, with_activations=show is not None)
    _tell(kept, found, as_json)
    if show is not None:
        from harness.reports.activations import activations_svg
        from harness.reports.writing import write_files

        picture = activations_svg(kept.card.submission, found)
        write_files({show.name: picture}, show.parent, advice="fix the folder or choose another with --show")
        click.echo(f"Written: {show}", err=True)
    sys.exit(ExitCode.USAGE if any(item.problem for item in found) else ExitCode.PASSED)


def _predictions(model: KeptModel, pictures: tuple[Path, ...], *, with_activations: bool) -> list[Prediction]:
    from harness.experiments.executors import Zygotes
    from harness.experiments.prediction import predict_all
    from harness.tasks.assignment import SafetyLimits

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
