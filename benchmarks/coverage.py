"""Which models the compiled engine trains: every reference, published model, submission, fixture and hand-in is built.

    python benchmarks/coverage.py

About 8 minutes of processor time. Counted are the models that an assignment without a reference would train; the others
fail their check. Writes its tables into docs/engine.md.
"""

from collections import Counter, defaultdict
from pathlib import Path

from measure import ROOT, table, write_section

GROUPS = {
    "references": ["reference/lenet5_torch", "reference/lenet5_keras"],
    "published models": ["reference/published/*/*/model.py"],
    "submissions": ["submissions/*"],
    "fixtures": ["tests/submissions/*"],
    "hand-ins": ["tests/handins/*"],
}
PAGE = ROOT / "docs" / "engine.md"


def main() -> None:
    found = [(group, path.name, *answer) for group, path, answer in answers()]
    trained = [item for item in found if item[2]]
    rows, left = [], defaultdict(list)
    for group in (*GROUPS, "together"):
        own = [reason for name, _, _, reason in trained if group in (name, "together")]
        covered = sum(not reason for reason in own)
        rows.append((group, str(len(own)), str(covered), str(len(own) - covered), f"{covered / len(own):.0%}"))
    for _, name, _, reason in trained:
        if reason:
            left[reason].append(f"`{name}`")
    reasons = sorted(left.items(), key=lambda item: -len(item[1]))
    text = table(("", "trained", "by the engine", "by their framework", "share"), rows)
    shares = [(reason, f"{len(names) / len(trained):.1%}", ", ".join(sorted(names))) for reason, names in reasons]
    write_section("coverage", f"{text}\n\n{table(('not covered', 'share', 'models'), shares)}", PAGE)
    print(Counter(group for group, _, is_trained, _ in found if not is_trained), "are not trained at all")


def answers():
    """Group, path, whether it is trained, and why not by the engine."""
    from harness.experiments.executors import Zygotes, run_all

    paths = [(group, path) for group, patterns in GROUPS.items() for path in sorted(expanded(patterns))]
    with Zygotes() as zygotes:
        yield from ((*item, answer) for item, answer in run_all(lambda item: look(item[1], zygotes), paths, 2, exit))


def expanded(patterns) -> set[Path]:
    """What may be a submission: a published model's folder, not its file."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern)}
    return {path.parent if path.name == "model.py" else path for path in found if path.suffix != ".toml"}


def look(path, zygotes) -> tuple[bool, str]:
    from harness.experiments.examine import examine
    from harness.handins.discover import take_in
    from harness.records.check import Outcome
    from harness.records.submission import Rejected
    from harness.tasks.assignment import Assignment
    from reference.lenet5 import LENET5

    taken = take_in(path)
    if isinstance(taken, Rejected):
        return False, ""
    verdict = examine(taken, zygotes.get(taken.framework), [0], Assignment(architecture="free"), LENET5).verdict
    return verdict.outcome in (Outcome.PASSED, Outcome.FLAGGED), verdict.uncovered


if __name__ == "__main__":
    main()
