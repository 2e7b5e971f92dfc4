"""A class of 100 different models of LeNet-5's size (designs.py), against running each student's script.

    python benchmarks/different_models.py [submissions] [scripts of each framework]

One epoch and one seed (preset quick): no two submissions share a run, so this is training, not finding equals. The naive
way is a process for each script that trains its own design, with a DataLoader over per-sample transforms or with Keras
`fit`; four designs of each framework are measured before and four after the harness, and their mean is scaled to the
class. The aim is five times less work. Writes its table into docs/performance.md.
"""

import importlib.util
import json
import sys
import tempfile
from pathlib import Path

from class_of_100 import graded
from designs import Design, designs, different_models
from measure import ROOT, Use, machine, table, use_of, write_section
from one_model import IMAGES, fit, per_sample, pytorch

SCRIPTS = {
    "torch": ("reference.lenet5_torch.model", lambda: pytorch(IMAGES, per_sample)),
    "keras": ("reference.lenet5_keras.model", lambda: fit(IMAGES)),
}


def main() -> None:
    if sys.argv[1:2] == ["--script"]:
        print(json.dumps(script(*sys.argv[2:4])))
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    samples = int(sys.argv[2]) if len(sys.argv) > 2 else 4
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "submissions"
        chosen = different_models(folder, count)
        before = naive(chosen, folder, samples)
        one, two = graded(folder, 1, "one"), graded(folder, 2, "two")
        after = naive(chosen[::-1], folder, samples)
    each = {kind: mean([*before[kind], *after[kind]]) for kind in SCRIPTS}
    numbers = {kind: sum(design.framework == kind for design in chosen) for kind in SCRIPTS}
    processor = sum(each[kind] * number for kind, number in numbers.items())
    rows = [
        ("harness, one worker", f"{one.processor:.0f}", f"{one.wall:.0f}", f"{processor / one.processor:.1f}"),
        ("harness, two workers", f"{two.processor:.0f}", f"{two.wall:.0f}", f"{processor / two.processor:.1f}"),
        ("naive, scaled", f"{processor:.0f}", "", "1"),
    ]
    told = " and ".join(f"{numbers[kind]} {kind} scripts of {each[kind]:.1f}" for kind in SCRIPTS)
    note = f"{count} different models; naive: {told} processor seconds on average. Aim: 5 times. {machine()}"
    header = ("a class of different models", "processor seconds", "wall seconds", "times less work than naive")
    write_section("different", f"{table(header, rows)}\n\n{note}")


def naive(chosen: list[Design], folder: Path, samples: int) -> dict[str, list[Use]]:
    """The scripts of some designs of each framework, evenly spaced over the class."""
    found = {}
    for kind in SCRIPTS:
        own = [design for design in chosen if design.framework == kind]
        spaced = own[:: max(1, len(own) // samples)][:samples]
        command = [sys.executable, str(ROOT / "benchmarks" / "different_models.py"), "--script", kind]
        quick = {"TF_ENABLE_ONEDNN_OPTS": "1"}
        found[kind] = [use_of([*command, str(folder / each.name / "model.py")], quick) for each in spaced]
    return found


def mean(uses: list[Use]) -> float:
    return sum(use.processor for use in uses) / len(uses) if uses else 0.0


def script(kind: str, path: str) -> dict[str, float]:
    """Train a student's own model as a student does: the script of one_model.py, with this file for the reference."""
    name, run = SCRIPTS[kind]
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    if kind == "keras":
        import harness.backends.tensorflow.imported  # noqa: F401 - the settings that `fit` is measured with
    spec.loader.exec_module(module)
    sys.modules[name] = module
    return run()


if __name__ == "__main__":
    assert len({design.code for design in designs()}) == 100
    main()
