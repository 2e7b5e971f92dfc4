"""`harness explain`: every count of one model spelled out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from harness.cli.one_model import EXIT_CODES, examined, folder_of, warn_without_walls
from harness.cli.options import ENTRY, JSON
from harness.records.errors import ExitCode
from harness.tasks.assignment import Assignment


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--claim",
    "claims",
    multiple=True,
    metavar="[LAYER=]COUNT",
    help='A count to check: "conv1=146", "120*(5*5*16+1)=30840", or a bare number for the next layer.',
)
@click.option(
    "--lang", type=click.Choice(["en", "zh"]), default="en", show_default=True, help="Language of the explanation."
)
@ENTRY
@JSON
def explain(path: Path, claims: tuple[str, ...], lang: str, entry: str, as_json: bool) -> None:
    """Print the layer table of the submission at PATH with every count spelled out, and check claims about it.

    Claims come from the submission's own PARAMETERS and from --claim. A wrong claim is answered with the correct sum
    and, if it is recognized, the mistake behind it. Trains nothing.
    """
    from harness.model.explanation import explained
    from harness.model.phrases import Language
    from harness.model.sums import read
    from harness.model.verify import by_reference_name
    from harness.tasks.references import load_reference

    written = [read(text) for text in claims]
    assignment = Assignment(architecture="free")
    found = examined(folder_of(path), entry, assignment)
    verdict, reference = found.verdict, load_reference(assignment.reference)
    named = by_reference_name(verdict.layers, found.input_shape, reference) if verdict.layers else {}
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
