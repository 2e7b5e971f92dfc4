"""Let every hostile submission loose three times and write the table of them into docs/security.md.

Run it from the root of the repository: python tests/attack_table.py
"""

import sys
import tempfile
from pathlib import Path

from attack_field import Field
from attack_judges import JUDGES
from attack_runner import attacks, run

from harness.experiments.executors import Zygotes
from harness.jobs.limits import Isolation

DOCUMENT = Path(__file__).parents[1] / "docs" / "security.md"
BEGIN, END = "<!-- attacks:begin -->", "<!-- attacks:end -->"
_HEAD = "| attack | what it attempts | without walls | with walls | without user namespaces |\n|---|---|---|---|---|\n"


def main():
    with Zygotes() as zygotes, tempfile.TemporaryDirectory() as folder, Field(folder) as place:
        rows = [row(attack, place, zygotes) for attack in attacks()]
    table = _HEAD + "".join(f"| {' | '.join(cells)} |\n" for cells in rows)
    text = DOCUMENT.read_text() if DOCUMENT.exists() else f"# Security\n\n{BEGIN}\n{END}\n"
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table}{END}{after}")


def row(attack, place, zygotes):
    """One attack's cells; printed as they come, because the whole takes minutes."""
    cells = [cell(run(attack, isolation, place, zygotes)) for isolation in reversed(Isolation)]
    print(attack.name, *cells, sep=" | ", file=sys.stderr, flush=True)
    return [f"`{attack.name}`", _plain(attack.says), cells[0], cells[2], cells[1]]


def cell(over):
    """What came of a run, in words that are the same each time."""
    attack = over.attack
    if not over.evidence:
        failed = over.isolation is Isolation.NONE
        return "**fails**" if failed else f"contained: {_end(over)}"
    if over.isolation is Isolation.NONE:
        naive = JUDGES[attack.judge].naive
        return "works" if naive.__name__ == "effects" else f"works on {_naive(naive)}"
    reason = attack.allowed.get(over.isolation)
    return f"known: {_plain(reason)}" if reason else "**works**"


def _naive(reading):
    words = reading.__doc__.split(".")[0].split(";")[0]
    return _plain(words[0].lower() + words[1:])


def _end(over):
    if over.ending.limit is not None:
        return f"ended by the limit on {over.ending.limit}"
    if over.verdict.parameters is not None:
        return "the build goes on"
    return over.ending.describe_exit() if over.ending.exit_code else "refused"


def _plain(text):
    return text.replace("|", "\\|").replace("_", "\\_").rstrip(".")


if __name__ == "__main__":
    main()
