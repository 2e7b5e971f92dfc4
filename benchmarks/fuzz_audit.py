"""Damaged artifacts against the audit and everything after it in the controller: what raises, or takes too much.

python benchmarks/fuzz_audit.py [--count 200000] [--seed 0] [--state fuzz_audit.json]
python benchmarks/fuzz_audit.py --write-corpus    rebuilds tests/audit_corpus.json; needs both frameworks

Each input is a function of seed and number (`tests/audit_fuzz.py`), so `--only NUMBER` reproduces a fault. Progress
is kept in the state file: the same command continues where it was stopped. Memory is counted for one input in 20
(tracemalloc, beyond the input itself); the peak of the whole process is printed too.
"""

import argparse
import json
import resource
import sys
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))

from audit_fuzz import CORPUS, MEMORY, SECONDS, make, outlay  # noqa: E402

COUNTED = 20
SAVED = 200
HAND_INS = """reference/lenet5_torch reference/lenet5_keras
    tests/handins/torch_resnet.py tests/handins/torch_spatial_transformer.py tests/handins/torch_weight_norm.py
    tests/handins/keras_augmentation.py tests/handins/keras_batch_norm_old.py tests/handins/keras_1_channels_first.py
    tests/submissions/batchnorm_dropout_torch tests/submissions/batchnorm_dropout_keras
    tests/submissions/embedding_torch tests/submissions/embedding_keras tests/submissions/explicit_padding_torch
    tests/submissions/explicit_padding_keras tests/submissions/claims_wrong_torch tests/submissions/claims_wrong_keras
    tests/submissions/conv120_torch
    tests/submissions/tied_weights_torch tests/submissions/double_softmax_keras tests/submissions/no_channel_keras
    tests/submissions/average_pooling_torch tests/submissions/integer_table_torch""".split()


@dataclass
class State:
    """The progress of a run, and what it found."""

    seed: int
    done: int = 0
    accepted: int = 0
    seconds: float = 0.0
    slowest: list[tuple[float, int]] = field(default_factory=list)
    largest: list[tuple[int, int]] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)


def load(path: Path, seed: int) -> State:
    if path.exists():
        state = State(**json.loads(path.read_text()))
        if state.seed == seed:
            return state
    return State(seed)


def save(path: Path, state: State) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(asdict(state)))
    draft.replace(path)


def one(state: State, number: int) -> None:
    """Try one input and record the result."""
    case = make(state.seed, number)
    counts = number % COUNTED == 0 or (number % 100 == 99 and number % 500 == 99)
    try:
        took = outlay(case, count_memory=counts)
    except Exception as error:
        state.faults.append(
            (number, f"{type(error).__name__}: {error} {traceback.format_exc().splitlines()[-3].strip()}")
        )
        return
    state.accepted += took.accepted
    state.seconds += took.seconds
    if counts:
        state.largest = sorted([*state.largest, (took.memory, number)], reverse=True)[:5]
        if took.memory > MEMORY:
            state.faults.append((number, f"{took.memory:,} bytes"))
        return
    state.slowest = sorted([*state.slowest, (took.seconds, number)], reverse=True)[:5]
    if took.seconds > SECONDS and min(outlay(case).seconds for _ in range(3)) > SECONDS:  # the machine may be busy
        state.faults.append((number, f"{took.seconds:.2f} processor seconds"))


def run(path: Path, seed: int, count: int) -> State:
    state = load(path, seed)
    while state.done < count:
        one(state, state.done)
        state.done += 1
        if state.done % SAVED == 0:
            save(path, state)
    save(path, state)
    return state


def tell(state: State) -> None:
    print(f"{state.done:,} inputs with seed {state.seed}, {state.accepted:,} accepted, {len(state.faults)} faults")
    print(f"{state.seconds:,.0f} processor seconds; slowest inputs: {state.slowest}")
    print(f"most memory beyond an input: {[(f'{size / 2**20:.1f} MiB', number) for size, number in state.largest]}")
    print(f"peak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MiB")
    for number, fault in state.faults[:20]:
        print(f"{number}: {fault}")


def write_corpus() -> None:
    """Build the hand-ins, and store what the fuzzer starts from."""
    from harness.experiments.executors import Zygotes

    with Zygotes() as zygotes:
        entries = [json.dumps(_entry(ROOT / path, zygotes), separators=(",", ":")) for path in HAND_INS]
    CORPUS.write_text("[\n" + ",\n".join(entries) + "\n]\n")
    print(f"{len(entries)} artifacts, {CORPUS.stat().st_size:,} bytes")


def _entry(path: Path, zygotes) -> dict:
    import struct

    from harness.experiments.examine import _build_some, _limits
    from harness.handins.discover import take_in
    from harness.tasks.assignment import SafetyLimits

    submission = take_in(path)
    built = _build_some(submission, zygotes.get(submission.framework), [0], _limits(SafetyLimits()))
    size = struct.unpack("<Q", built.weights[0][:8])[0]
    return {
        "name": path.name,
        "framework": str(built.framework),
        "graph": json.loads(built.graph),
        "labels": json.loads(built.labels),
        "weights": json.loads(built.weights[0][8 : 8 + size]),
        "statement": json.loads(built.statement) if built.statement else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--state", type=Path, default=Path("fuzz_audit.json"))
    parser.add_argument("--only", type=int)
    parser.add_argument("--write-corpus", action="store_true")
    asked = parser.parse_args()
    if asked.write_corpus:
        write_corpus()
    elif asked.only is not None:
        print(outlay(make(asked.seed, asked.only), count_memory=True))
    else:
        state = run(asked.state, asked.seed, asked.count)
        tell(state)
        sys.exit(bool(state.faults))


if __name__ == "__main__":
    main()
