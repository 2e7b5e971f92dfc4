"""Folders of made-up submissions: a class with a realistic mix, and as many different ones as wanted.

Of a hundred, 70 are the standard LeNet-5 in the spellings of tests/submissions, equal except for their initial weights only
where students write them alike; 18 are variants of their own; 12 are broken.
"""

import shutil
from pathlib import Path

from measure import ROOT

EXAMPLES = ROOT / "tests" / "submissions"
STANDARD = [
    f"{name}_{framework}"
    for name in ("lenet5", "functional", "sequential", "subclass", "module_level", "several_files", "average_pooling")
    for framework in ("torch", "keras")
]
VARIANTS = [
    f"{name}_{framework}"
    for name in ("bigger", "smaller", "batchnorm_dropout", "softmax_inside", "conv120", "input_32")
    for framework in ("torch", "keras")
]
BROKEN = ["syntax_error", "build_raises", "forward_raises", "no_model", "no_padding_torch", "missing_bias_keras"]
OWN = """

def _own(build):
    def changed(*arguments):
        model = build(*arguments)
        for tensor in {tensors}:
            {change}
        return model
    return changed


build_model = _own(build_model)
"""
CHANGES = {
    "torch": ("model.parameters()", "tensor.data.mul_({factor})"),
    "keras": ("model.trainable_variables", "tensor.assign(tensor * {factor})"),
}


def mixed(folder: Path, count: int) -> None:
    """A class of `count`, in the shares above."""
    kinds = [(STANDARD, 70), (VARIANTS, 18), (BROKEN, 12)]
    choices = [examples[index % len(examples)] for examples, share in kinds for index in range(share)]
    for index in range(count):
        name = choices[index * 37 % 100]
        shutil.copytree(EXAMPLES / name, folder / f"{index:04}_{name}")
    (folder / "assignment.toml").write_text('[assignment]\narchitecture = "free"\n[budget]\npreset = "quick"\n')


def different(folder: Path, count: int, framework: str) -> None:
    """So many LeNet-5 with their own weights, under a budget of one step: each is built and trained."""
    code = (ROOT / "reference" / f"lenet5_{framework}" / "model.py").read_text()
    tensors, change = CHANGES[framework]
    for index in range(count):
        own = OWN.format(tensors=tensors, change=change.format(factor=1 + (index + 1) * 1e-4))
        (folder / f"{index:04}").mkdir(parents=True)
        (folder / f"{index:04}" / "model.py").write_text(code + own)
    budget = "epochs = 1\nseeds = 1\ntrain_images = 128\nvalidation_images = 500\n"
    (folder / "assignment.toml").write_text(f"[budget]\n{budget}")
