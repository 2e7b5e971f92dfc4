"""What exporting a PyTorch model costs from a cold start: our trace next to torch.export, each in a fresh process.

python benchmarks/trace_or_export.py
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMON = """
import gc, time; gc.disable()
started = time.perf_counter()
import torch
print(f"import torch: {time.perf_counter() - started:.2f} s")
from reference.lenet5_torch.model import build_model
model, started = build_model(), time.perf_counter()
"""
TRACE = """
from harness.backends.torch import trace as torch_trace
for training in (True, False):
    tapes = [torch_trace.trace(model, torch.rand(batch, 1, 28, 28), training) for batch in torch_trace.BATCH_SIZES]
    torch_trace.unify(*tapes)
print(f"trace, both modes: {time.perf_counter() - started:.2f} s")
"""
EXPORT = """
import torch.export
batch = torch.export.Dim("batch", min=1, max=65536)
for training in (True, False):
    torch.export.export(model.train(training), (torch.rand(3, 1, 28, 28),), dynamic_shapes=({0: batch},))
print(f"torch.export, both modes: {time.perf_counter() - started:.2f} s")
"""


def main() -> None:
    for code in (TRACE, EXPORT):
        subprocess.run([sys.executable, "-c", COMMON + code], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
