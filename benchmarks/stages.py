"""What one run of a reference model costs besides its steps: processor seconds of each stage, first and second time.

    python benchmarks/stages.py

A minute. Every stage runs in one process per framework, twice: the second time has no first-time costs. `load` and
`first step` are what runs of one graph could share if they shared a process. Writes its table into docs/performance.md.
"""

import json
import sys

import numpy as np
from measure import answer_of, machine, table, write_section
from one_model import clocked, data, task


def stages(framework: str) -> dict[str, float]:
    """Processor seconds by stage and time."""
    from measure import ROOT

    from harness.artifact.audit import audit
    from harness.backends.source import Sources
    from harness.child.validate import validate
    from harness.child.worker import import_backend
    from harness.handins.discover import take_in
    from harness.jobs.validate import ValidateRequest
    from harness.records.inputs import arrange

    found: dict[str, float] = {}
    kept = {}

    def timed(name, function):
        def call():
            kept[name] = function()

        found[name] = clocked(call)["processor"]
        return kept[name]

    backend = timed("import", lambda: import_backend(framework))
    submission = take_in(ROOT / "reference" / f"lenet5_{'torch' if framework == 'torch' else 'keras'}")
    shape = (1, 28, 28) if framework == "torch" else (28, 28, 1)
    train, labels, test, _ = data(128)
    train, test = arrange(train, shape), arrange(test, shape)
    sources = Sources(submission.files, submission.entry, submission.framework)
    for time in ("first", "second"):
        artifact = timed(f"build, {time}", lambda: backend.build(sources, 0))
        audited = timed(f"audit, {time}", lambda a=artifact: audit(a))
        request = ValidateRequest(
            artifact.framework,
            artifact.graph,
            audited.artifact.graph,
            artifact.weights[0],
            dict(audited.training_draws),
            dict(audited.evaluation_draws),
        )
        timed(f"validate, {time}", lambda r=request: validate(backend, r))
        trainee = timed(f"load, {time}", lambda a=audited: backend.load(task(a.artifact)))
        step = lambda t=trainee: t.train_epoch(train, labels, np.arange(128), 128, np.ones(1))  # noqa: E731
        timed(f"first step, {time}", step)
        timed(f"one more step, {time}", step)
        timed(f"10,000 test images, {time}", lambda t=trainee: t.predict(test))
    return found


def main() -> None:
    used = {framework: answer_of([sys.executable, __file__, framework]) for framework in ("torch", "tensorflow")}
    rows = [(name, *(f"{used[framework][name]:.2f}" for framework in used)) for name in used["torch"]]
    write_section("stages", f"{table(('processor seconds', 'PyTorch', 'TensorFlow'), rows)}\n\n{machine()}")


if __name__ == "__main__":
    print(json.dumps(stages(sys.argv[1]))) if len(sys.argv) > 1 else main()
