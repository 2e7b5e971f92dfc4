"""What it costs the controller to read a hand-in, and the message about it.

Each is read by its own process under limits, which reports what it used. No limit here is a promise of speed:
all of them are many times what a slow machine needs, and a thousandth of what each of these cost without bounds.
"""

import json
import resource
import subprocess
import sys
import zipfile
from io import BytesIO

MODEL = b"import torch\n"
SECONDS = 10
MEBIBYTES = 200
MEMORY = """
import json, re, sys, time
from pathlib import Path
def mebibytes(which):
    return int(re.search(which + r":\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) / 1024
"""
PROGRAM = f"""{MEMORY}
from harness.handins.discover import discover
before, started = mebibytes("VmRSS"), time.process_time()
(found,) = discover(Path(sys.argv[1]), patterns=("*lenet*.py", "*n*e*t*.ipynb"))
check = getattr(found, "check", None)
print(json.dumps({{
    "seconds": time.process_time() - started,
    "mebibytes": mebibytes("VmHWM") - before,
    "found": check and check.found, "expected": check and check.expected, "try": check and check.try_,
}}))
"""


def limits():
    resource.setrlimit(resource.RLIMIT_CPU, (4 * SECONDS, 4 * SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


def measured(folder):
    """The cost of reading the one submission of a folder, and the message about it."""
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, preexec_fn=limits, timeout=300, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    told = json.loads(answer.stdout)
    assert told["seconds"] < SECONDS
    assert told["mebibytes"] < MEBIBYTES
    return told


def packed(files, method=zipfile.ZIP_DEFLATED, level=9):
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method, compresslevel=level) as target:
        for name, content in files:
            target.writestr(name, content)
    return buffer.getvalue()
