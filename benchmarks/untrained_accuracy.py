"""Accuracy of untrained models on the 5,000 held-out images, one line per model: n, median, max.

    python benchmarks/untrained_accuracy.py [initializations]

A model is started from the seeds 0, 1, ... as the harness starts it. Both reference models get all initializations
(100), the other designs a quarter of them.
"""

import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DESIGNS = ("lenet5", "average_pooling", "batchnorm_dropout", "bigger", "smaller", "softmax_inside", "filters_32_64")
HELD_OUT = 5_000


def main() -> None:
    count = sys.argv[1] if len(sys.argv) > 1 else "100"
    for framework in ("torch", "tensorflow"):  # one process each, because the two frameworks do not share one well
        subprocess.run([sys.executable, __file__, count, framework], check=True, cwd=ROOT)


def measure_framework(count: int, framework: str) -> None:
    ending = {"torch": "torch", "tensorflow": "keras"}[framework]
    for design in DESIGNS:
        is_reference = design == "lenet5"
        folder = ROOT / ("reference" if is_reference else "tests/submissions") / f"{design}_{ending}"
        found = accuracies(folder, framework, count if is_reference else max(1, count // 4))
        middle, most = statistics.median(found), max(found)
        print(f"{folder.name}: n {len(found)}, median {middle:.1%}, max {most:.1%}", flush=True)


def accuracies(folder: Path, framework: str, count: int) -> list[float]:
    from harness.artifact.audit import audit
    from harness.backends.source import Sources
    from harness.child.worker import import_backend
    from harness.datasets import mnist
    from harness.handins.discover import take_in
    from harness.jobs.train import Optimizer
    from harness.jobs.trainee import Task
    from harness.records.graph import OutputKind
    from harness.records.inputs import arrange

    backend, data, submission = import_backend(framework), mnist.load(), take_in(folder)
    sources = Sources(submission.files, submission.entry, submission.framework)
    images = arrange(data.train_images[-HELD_OUT:], (1, 28, 28) if framework == "torch" else (28, 28, 1))
    labels = data.train_labels[-HELD_OUT:]
    optimizer = Optimizer("adam", 1e-3, 0.0, 0.9, 0.999, 1e-8)
    found = []
    for seed in range(count):
        artifact = audit(backend.build(sources, seed)).artifact
        task = Task(artifact.graph, artifact.weights[0], OutputKind.LOGITS, optimizer, 0)
        found.append(float((backend.load(task).predict(images).argmax(axis=1) == labels).mean()))
        backend.clear()
    return found


if __name__ == "__main__":
    measure_framework(int(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 2 else main()
