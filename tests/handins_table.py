"""The share of `tests/handins` that is accepted, by form and framework: `python tests/handins_table.py`. With
`--refusals`, what is said to those that are refused."""

import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from replay import examine_one_build

from harness.experiments.examine import examine, rejected
from harness.experiments.executors import Zygotes
from harness.handins.discover import take_in
from harness.records.check import Outcome
from harness.records.submission import Rejected
from harness.records.verdict import Verdict
from harness.tasks.assignment import Assignment
from reference.lenet5 import LENET5

FOLDER = Path(__file__).parent / "handins"


@dataclass(frozen=True)
class HandIn:
    """One hand-in and what must come of it: `parameters` of the right model, or words of the refusal."""

    name: str
    framework: str
    form: str
    parameters: int | None = None
    refused: str = ""


def hand_ins() -> list[HandIn]:
    content = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))
    return [HandIn(name, **facts) for name, facts in content.items()]


def verdict_on(hand_in: HandIn, zygotes: Zygotes, *, one_build: bool = False) -> Verdict:
    found = take_in(FOLDER / hand_in.name)
    if isinstance(found, Rejected):
        return rejected(found)
    look = examine_one_build if one_build else examine
    return look(found, zygotes.get(found.framework), [0], Assignment(architecture="free"), LENET5).verdict


def refusal(verdict: Verdict) -> str:
    """The words of the checks that failed or could not be looked at."""
    checks = [check for check in verdict.checks if check.outcome in (Outcome.FAILED, Outcome.ERRORED)]
    return "; ".join(f"{check.name}: {check.expected}; {check.found}; {check.try_}" for check in checks)


def say_refusals() -> None:
    """Each refusal as its three parts."""
    with Zygotes() as zygotes:
        for hand_in in hand_ins():
            verdict = verdict_on(hand_in, zygotes) if hand_in.refused else None
            for check in verdict.checks if verdict else ():
                if check.outcome in (Outcome.FAILED, Outcome.ERRORED):
                    print(f"{hand_in.name}\n    expected {check.expected}\n    found    {check.found}")
                    print(f"    try      {check.try_}", flush=True)


def main() -> None:
    asked, right, accepted, wrong = Counter(), Counter(), Counter(), []
    with Zygotes() as zygotes:
        for hand_in in hand_ins():
            verdict = verdict_on(hand_in, zygotes)
            is_accepted = verdict.parameters is not None and verdict.outcome is Outcome.PASSED
            for key in ((hand_in.framework, hand_in.form), (hand_in.framework, "all")):
                asked[key] += 1
                right[key] += not hand_in.refused
                accepted[key] += is_accepted
            if is_accepted and (hand_in.refused or verdict.parameters != hand_in.parameters):
                wrong.append(f"{hand_in.name}: {verdict.parameters:,}")
    print("| framework | form | hand-ins | should be accepted | accepted |\n|---|---|---|---|---|")
    for (framework, form), count in sorted(asked.items()):
        key = framework, form
        print(f"| {framework} | {form} | {count} | {right[key]} | {accepted[key]} ({accepted[key] / right[key]:.0%}) |")
    print()
    print(f"wrong models: {len(wrong)} {'; '.join(wrong)}")


if __name__ == "__main__":
    say_refusals() if "--refusals" in sys.argv else main()
