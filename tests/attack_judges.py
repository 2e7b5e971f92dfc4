"""What it means that an attack worked, said twice: as a naive grader would read it, and as this harness reads it.

A reading takes a `Run` and returns its evidence in words, or nothing. The control run without walls is judged by the
naive reading, which must find something; the runs behind walls by the harness's own, which must not.
"""

import contextlib
import io
import json
import math
import resource
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console

from harness.jobs import frames
from harness.jobs.ending import Limit
from harness.records.check import Outcome
from harness.records.errors import ArtifactError
from harness.reports.terminal import verdict_view

MIB = 1 << 20
SMALL = 7850
"""Parameters of the small model that most attacks define, as anybody may count them."""


@dataclass(frozen=True)
class Judge:
    """Two readings of one run."""

    naive: Callable
    ours: Callable


def effects(run):
    """What the attack says it reached, and what the field saw."""
    return "; ".join((*run.reached, *run.effects))


def full_marks(run):
    """The harness took it for the model that was asked for, or for another model than the one it is."""
    verdict = run.verdict
    if verdict.matches_reference and run.attack.parameters != 61_706:
        return "full marks"
    if verdict.parameters not in (None, run.attack.parameters):
        return f"counted as {verdict.parameters:,} parameters"
    return ""


def ours(run):
    return effects(run) or full_marks(run)


def exit_code(run):
    """A grader that trusts the exit status."""
    failed = run.ending.limit or run.ending.exit_code
    return "" if failed else "exit code 0: full marks"


def standard_output(run):
    """A grader that believes the last line that was printed."""
    try:
        return f"accuracy {json.loads(run.ending.output.strip().splitlines()[-1])['accuracy']} on the last line"
    except (ValueError, LookupError, TypeError):
        return ""


def claims(run):
    """A grader that believes what the frame says of itself, whatever follows it."""
    try:
        header = _first_header(run.ending.frame)
    except (ValueError, LookupError):
        return ""
    claimed = [f"{name} {header[name]}" for name in ("accuracy", "parameters", "crash") if name in header]
    claimed += ["out of memory: the grader's own fault"] if header.get("out_of_memory") else []
    return ", ".join(claimed) or _tampered(run)


def _tampered(run):
    """Claims hidden in the labels or in the entry's name."""
    return "accuracy in the frame" if b'"accuracy"' in run.ending.frame else ""


def _first_header(frame):
    size = int.from_bytes(frame[4:8], "little")
    return json.loads(frame[8 : 8 + size])


def truncated(run):
    """A grader that reads what there is and takes the rest for granted."""
    try:
        frames.decode(run.ending.frame)
    except ArtifactError:
        return f"{len(run.ending.frame):,} bytes that are no frame, and exit code 0" if not run.ending.exit_code else ""
    return ""


def endless(run):
    """A grader that waits."""
    return "still running at the end of the control's time" if run.ending.limit is Limit.WALL else ""


def not_ended(run):
    """It outlived the limit it should have met, or met another one."""
    late = run.ending.seconds > run.limits.wall_seconds + 3
    wrong = run.attack.ended_by and (run.ending.limit or "nothing") not in run.attack.ended_by
    return ours(run) or ("not ended in time" if late else "") or (f"ended by {run.ending.limit}" if wrong else "")


def stopped(run):
    """A grader without limits; it gets no answer in the time of the control."""
    size = sum(len(part) for part in (run.ending.frame, run.ending.output))
    ended = run.ending.limit or (run.ending.exit_code and run.ending.describe_exit())
    return str(ended or "") or (f"a result of {size / MIB:.1f} MiB" if size > MIB else "")


def hidden(run):
    """Numbers outside of the parameters must be found and told."""
    told = any(check.name == "hidden" and check.outcome is Outcome.FAILED for check in run.verdict.checks)
    passed = "full marks" if run.verdict.matches_reference else ""
    return passed or ("" if told else "hidden numbers were not found")


def weights(run):
    """A grader that counts what the header of the weights says."""
    for blob in _blobs(run):
        with contextlib.suppress(ValueError, LookupError, TypeError):
            size = int.from_bytes(blob[:8], "little")
            tensors = json.loads(blob[8 : 8 + size]).values()
            return f"{sum(math.prod(tensor['shape']) for tensor in tensors):,} parameters counted"
    return ""


def only_the_first(run):
    """A grader that counts the first build's weights and trains those of every build."""
    first, *others = (size for ending in run.endings for size in _numbers(ending))
    return f"{max(others):,} numbers trained, {first:,} counted" if max(others, default=0) > first else ""


def _numbers(ending):
    """How many numbers the weights of each seed in a build hold, by their own header."""
    sizes = []
    with contextlib.suppress(ArtifactError, ValueError, LookupError):
        for name, blob in frames.decode(ending.frame)[1].items():
            if name.startswith("weights/"):
                tensors = json.loads(bytes(blob[8 : 8 + int.from_bytes(blob[:8], "little")])).values()
                sizes.append(sum(math.prod(tensor["shape"]) for tensor in tensors))
    return sizes


def gate(run):
    """The process must not outlive a call through another gate."""
    return ours(run) if not run.ending.exit_code < 0 else ""


def crash(run):
    """A grader that runs the file in its own process; it goes down with it."""
    return run.ending.describe_exit() if run.ending.exit_code < 0 else ""


def flood(run):
    """A grader that keeps all that is printed."""
    size = len(run.ending.output)
    return f"{size // MIB} MiB of text kept" if size > 8 * MIB else ""


def flooded(run):
    too_much = len(run.ending.output) > run.limits.output_kept
    return not_ended(run) or ("too much text was kept" if too_much else "")


def result_flood(run):
    """A grader that reads the result to its end."""
    size = len(run.ending.frame)
    return f"{size // MIB} MiB of result kept" if size > 64 * MIB else ""


def result_flooded(run):
    too_much = len(run.ending.frame) > run.limits.result + 2 * MIB
    return not_ended(run) or ("too much of the result was kept" if too_much else "")


def unpickled(run):
    """A grader that unpickles what comes, in a process that holds the field's marks."""
    code = (
        "import pickle,sys\nfor blob in sys.stdin.buffer.read().split(b'|SPLIT|'):\n"
        " try: pickle.loads(blob)\n except Exception: pass"
    )
    _naive_process(code, b"|SPLIT|".join(_blobs(run)))
    return effects(run.look_again())


def parsed(run):
    """A grader that parses what comes and makes the tensors it names; it crashes, or has no memory left."""
    code = (
        "import json,sys,struct,numpy\ngraph,weights=sys.stdin.buffer.read().split(b'|SPLIT|')\njson.loads(graph)\n"
        "size=struct.unpack('<Q',weights[:8])[0]\nheader=json.loads(weights[8:].ljust(size)[:size])\n"
        "tensors=[numpy.ones(t['shape'],'f4') for t in header.values()]"
    )
    blobs = _blobs(run)
    code = _naive_process(code, b"|SPLIT|".join((blobs[0], blobs[-1])))
    return f"the grader ended with code {code}" if code else ""


def _blobs(run):
    try:
        return [bytes(blob) for name, blob in frames.decode(run.ending.frame)[1].items() if name != "labels"]
    except ArtifactError:
        return [run.ending.frame]


def _naive_process(code, data):
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    run = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, timeout=30, preexec_fn=limit)
    return run.returncode


def interpreter(run):
    """A grader that runs the file in an interpreter and lets it come to its end by itself."""
    code = "import sys, types; sys.path.insert(0, sys.argv[1]); import model"
    command = [sys.executable, "-B", "-c", code, str(run.folder)]
    subprocess.run(command, capture_output=True, timeout=20, check=False)
    return effects(run.look_again())


def raw_text(run):
    """A grader whose report shows the submission's own words as they are."""
    frame = run.ending.frame.decode("utf-8", "replace").replace("\\u001b", "\x1b")
    words = run.folder.name + run.ending.output + frame
    return f"{len(_unseen(words))} kinds of control characters" if "\x1b" in words else ""


def rendered(run):
    """The harness's own report."""
    page = io.StringIO()
    Console(file=page, width=100, color_system=None, highlight=False).print(verdict_view(run.verdict))
    unseen = _unseen(page.getvalue())
    return ours(run) or (f"control characters in the report: {sorted(map(ascii, unseen))}" if unseen else "")


def _unseen(text):
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return {character for character in text if unicodedata.category(character) in hidden} - {"\n"}


def refused(run):
    """Like `ours`, and the submission has failed by its own fault: no pass, and no fault of ours."""
    outcome = run.verdict.outcome
    return ours(run) or ("" if outcome is Outcome.FAILED else f"a verdict of {outcome}")


def refused_in_time(run):
    return refused(run) or not_ended(run)


JUDGES = {
    "effects": Judge(effects, ours),
    "exit code": Judge(exit_code, refused),
    "standard output": Judge(standard_output, refused),
    "claims": Judge(claims, ours),
    "truncated": Judge(truncated, refused),
    "recount": Judge(effects, full_marks),
    "hidden": Judge(effects, hidden),
    "endless": Judge(endless, not_ended),
    "stopped": Judge(stopped, refused_in_time),
    "claimed size": Judge(effects, full_marks),
    "weights": Judge(weights, refused),
    "other seeds": Judge(only_the_first, refused),
    "gate": Judge(effects, gate),
    "ended": Judge(effects, not_ended),
    "crash": Judge(crash, refused),
    "flood": Judge(flood, flooded),
    "result flood": Judge(result_flood, result_flooded),
    "unpickle": Judge(unpickled, refused),
    "parse": Judge(parsed, refused),
    "interpreter": Judge(interpreter, ours),
    "rendered": Judge(raw_text, rendered),
}
