"""Interactive latency: `check` from cold and warm, `report` at 1,000.

    python benchmarks/waiting.py [repetitions]

About 3 minutes. Cold is `harness check` as a student types it, warm is the same check in a process that has already
imported the framework. A second `grade` is part of class_of_100.py. Writes its table into docs/performance.md.
"""

import sys
import time

from measure import ROOT, interleaved, machine, spread, table, use_of, write_section


def check(folder):
    """One `harness check` in a fresh process."""
    used = use_of([sys.executable, "-m", "harness", "check", str(ROOT / "reference" / folder)])
    return {"processor": used.processor, "wall": used.wall}


def warm(folder, repetitions):
    """Wall seconds of each check in a running process, after the first."""
    from harness.experiments.examine import examine
    from harness.experiments.executors import Zygotes
    from harness.handins.discover import take_in
    from harness.tasks.assignment import Assignment
    from reference.lenet5 import LENET5

    submission = take_in(ROOT / "reference" / folder)
    times = []
    with Zygotes() as zygotes:
        zygote = zygotes.get(submission.framework)
        for _ in range(repetitions + 1):
            started = time.perf_counter()
            examine(submission, zygote, [0, 1], Assignment(), LENET5, together=True)
            times.append(time.perf_counter() - started)
    return times[1:]


def main():
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    folders = {"PyTorch": "lenet5_torch", "Keras": "lenet5_keras"}
    cold = interleaved({name: lambda f=folder: check(f) for name, folder in folders.items()}, repetitions)
    rows = []
    for name, folder in folders.items():
        rows.append((f"`check`, cold, {name}", spread(cold[name]["wall"]), spread(cold[name]["processor"])))
        rows.append((f"`check`, warm, {name}", spread(warm(folder, repetitions)), ""))
    report = use_of([sys.executable, str(ROOT / "benchmarks" / "rebuild_reports.py"), "1000"]).output.splitlines()[0]
    note = f"Medians of {repetitions}, minimum and maximum in parentheses. {report}. {machine()}"
    write_section("waiting", f"{table(('', 'wall seconds', 'processor seconds'), rows)}\n\n{note}")


if __name__ == "__main__":
    main()
