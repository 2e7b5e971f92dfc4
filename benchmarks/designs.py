"""A hundred different models of LeNet-5's size, as students might design them: each is built and trained for itself.

Every combination of the sizes and the kinds below, half of each in PyTorch and half in Keras.
"""

from dataclasses import dataclass
from pathlib import Path

SIZES = (
    # first kernel and filters, second kernel and filters, dense layers
    (5, 6, 5, 16, (120, 84)), (3, 6, 5, 16, (120, 84)), (5, 6, 3, 16, (84,)), (3, 8, 3, 16, (64,)), (7, 6, 5, 16, (120,)),
    (5, 8, 5, 16, (120, 84)), (5, 4, 5, 12, (120, 84)), (3, 8, 5, 20, (100, 50)), (5, 6, 7, 16, (128,)), (5, 10, 5, 20, (50,)),
    (3, 6, 3, 12, (120, 84)), (5, 6, 5, 12, (100, 64)), (7, 8, 3, 16, (84,)), (5, 12, 5, 16, (64, 32)), (3, 10, 5, 20, (84,)),
    (5, 6, 5, 20, (128, 64)), (5, 8, 3, 12, (96,)), (7, 6, 7, 16, (120, 84)), (3, 12, 3, 16, (60,)), (5, 5, 5, 15, (110, 70)),
    (3, 4, 5, 16, (120, 84)), (5, 8, 7, 20, (100,)), (7, 10, 5, 16, (80, 40)), (5, 6, 3, 20, (72,)), (3, 8, 7, 24, (120, 60)),
)  # fmt: skip
KINDS = (
    # activation, pooling, regularization
    ("relu", "max", ""),
    ("tanh", "average", ""),
    ("relu", "average", "dropout"),
    ("sigmoid", "max", "normalization"),
)


@dataclass(frozen=True)
class Design:
    """One model; `dense` are the widths of its hidden dense layers."""

    first: int
    first_filters: int
    second: int
    second_filters: int
    dense: tuple[int, ...]
    activation: str
    pooling: str
    extra: str
    framework: str

    @property
    def name(self) -> str:
        widths = "_".join(map(str, self.dense))
        convolutions = f"{self.first_filters}x{self.first}_{self.second_filters}x{self.second}"
        return "_".join(filter(None, (convolutions, widths, self.activation, self.pooling, self.extra, self.framework)))

    @property
    def code(self) -> str:
        """The student's file."""
        return {"torch": _torch, "keras": _keras}[self.framework](self)


def designs() -> list[Design]:
    """All of them, the frameworks in turn."""
    pairs = [(size, kind) for size in SIZES for kind in KINDS]
    return [
        Design(*size, *kind, ("torch", "keras")[(row + row // len(KINDS)) % 2])
        for row, (size, kind) in enumerate(pairs)
    ]


def different_models(folder: Path, count: int, budget: str = 'preset = "quick"') -> list[Design]:
    """A folder of the first `count` designs, under this budget."""
    chosen = designs()[:count]
    for design in chosen:
        (folder / design.name).mkdir(parents=True)
        (folder / design.name / "model.py").write_text(design.code)
    (folder / "assignment.toml").write_text(f'[assignment]\narchitecture = "free"\n[budget]\n{budget}\n')
    return chosen


_TORCH_ACTIVATIONS = {"relu": "nn.ReLU()", "tanh": "nn.Tanh()", "sigmoid": "nn.Sigmoid()"}
_TORCH_POOLING = {"max": "nn.MaxPool2d(2)", "average": "nn.AvgPool2d(2)"}
_KERAS_POOLING = {"max": "layers.MaxPooling2D(2)", "average": "layers.AveragePooling2D(2)"}


def _torch(design: Design) -> str:
    act, pool = _TORCH_ACTIVATIONS[design.activation], _TORCH_POOLING[design.pooling]
    lines = [f"nn.Conv2d(1, {design.first_filters}, {design.first}, padding={design.first // 2})"]
    lines += [f"nn.BatchNorm2d({design.first_filters})"] * (design.extra == "normalization")
    lines += [act, pool, f"nn.Conv2d({design.first_filters}, {design.second_filters}, {design.second})", act, pool]
    lines += ["nn.Flatten()"]
    width = design.second_filters * ((14 - design.second + 1) // 2) ** 2
    for units in design.dense:
        lines += [f"nn.Linear({width}, {units})", act, *["nn.Dropout(0.2)"] * (design.extra == "dropout")]
        width = units
    layers = "".join(f"        {line},\n" for line in [*lines, f"nn.Linear({width}, 10)"])
    return f"from torch import nn\n\n\ndef build_model():\n    return nn.Sequential(\n{layers}    )\n"


def _keras(design: Design) -> str:
    act, pool = f'layers.Activation("{design.activation}")', _KERAS_POOLING[design.pooling]
    lines = ["keras.Input((28, 28, 1))", f'layers.Conv2D({design.first_filters}, {design.first}, padding="same")']
    lines += ["layers.BatchNormalization()"] * (design.extra == "normalization")
    lines += [act, pool, f"layers.Conv2D({design.second_filters}, {design.second})", act, pool, "layers.Flatten()"]
    for units in design.dense:
        lines += [f"layers.Dense({units})", act, *["layers.Dropout(0.2)"] * (design.extra == "dropout")]
    rows = "".join(f"        {line},\n" for line in [*lines, "layers.Dense(10)"])
    return (
        f"import keras\nfrom keras import layers\n\n\ndef build_model():\n    return keras.Sequential([\n{rows}    ])\n"
    )
