"""`harness doctor`: what this machine offers."""

from __future__ import annotations

import json
import sys

import click

from harness.cli.options import JSON
from harness.records.errors import ExitCode


@click.command()
@JSON
def doctor(as_json: bool) -> None:
    """Show what this machine offers, whether student code can be isolated here, and what follows."""
    from harness.cli.facts import conclusion, examine_machine
    from harness.reports.terminal import fact_line, make_console

    console = make_console()
    facts = []
    for fact in examine_machine():
        facts.append(fact)
        if not as_json:
            console.print(fact_line(fact.name, fact.found, fact.follows, fact.health))
    if as_json:
        click.echo(json.dumps([fact.as_dict() for fact in facts], indent=2))
    ready, sentence = conclusion(facts)
    if not as_json:
        click.echo(f"\n{sentence}")
    sys.exit(ExitCode.PASSED if ready else ExitCode.OUR_FAULT)
