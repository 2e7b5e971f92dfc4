"""Shared by the benchmarks: resource use of a command, interleaved rounds, and the page that they write.

A shared machine is never idle, so figures are ratios of interleaved runs, in processor seconds.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "performance.md"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
ONE_THREAD |= {"CUDA_VISIBLE_DEVICES": "", "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


@dataclass(frozen=True)
class Use:
    """Resources used by a command: processor and wall seconds with all its children, peak memory of the largest in MiB."""

    processor: float
    wall: float
    memory: float
    output: str


def use_of(command: Sequence[str], environment: dict[str, str] | None = None) -> Use:
    """Run a command in the project's root; raises if it fails."""
    started = time.perf_counter()
    places = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    settings = {**os.environ, "PYTHONPATH": places, **ONE_THREAD, **(environment or {})}
    process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{command} ended with {status}: {errors.decode()[-2000:]}")
    wall = time.perf_counter() - started
    return Use(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, output.decode())


def answer_of(command: Sequence[str], environment: dict[str, str] | None = None) -> dict[str, float]:
    """The JSON object in the last line that a command prints."""
    found: dict[str, float] = json.loads(use_of(command, environment).output.splitlines()[-1])
    return found


def interleaved(variants: dict[str, Callable[[], dict[str, float]]], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Run every variant once in each round, forwards and backwards in turn; the values by variant and name."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in variants}
    for number in range(rounds):
        for name in sorted(variants, key=list(variants).index, reverse=bool(number % 2)):
            for key, value in variants[name]().items():
                found[name].setdefault(key, []).append(value)
            print(f"round {number + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
    return found


def spread(values: Sequence[float], digits: int = 2) -> str:
    """`1.23 (1.10–1.40)`: median, minimum and maximum."""
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), statistics.median(values), max(values)))
    return f"{middle} ({low}–{high})"


def ratios(slow: Sequence[float], fast: Sequence[float]) -> list[float]:
    """How many times faster, round by round."""
    return [a / b for a, b in zip(slow, fast, strict=True)]


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; the first column is text."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write_section(name: str, text: str, path: Path = PAGE) -> None:
    """Print a section, and put it between its marks on the page."""
    print(text)
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    page = path.read_text(encoding="utf-8")
    before, rest = page.split(begin)
    path.write_text(f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}", encoding="utf-8")


def machine() -> str:
    """The processor, as a sentence for below a table."""
    from harness.jobs.machine import cpu_model
    from harness.storage.versions import usable_cores

    return f"{cpu_model()}, {usable_cores()} cores, one thread per process; load {os.getloadavg()[0]:.1f} at the end."
