"""The frameworks that a model may be written in, and a record of what is specific to each.

Sentences and lines of code for each framework are in `harness/words/`, one file for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Framework(StrEnum):
    """The framework a model is written in. Its value names its backend, its reader, its words and its extra."""

    TORCH = "torch"
    TENSORFLOW = "tensorflow"

    @property
    def facts(self) -> FrameworkFacts:
        """What is specific to it."""
        return FACTS[self]


@dataclass(frozen=True)
class FrameworkFacts:
    """What is specific to one framework, as plain facts.

    `title` is its display name, `in_text` its name inside a sentence, `short` its name in files, folders and options.
    A run depends on `packages`, and on what `environment` tells the framework. Source that imports one of `modules`, or
    anything from one of `companions`, is written in it; `speaks` matches what only its models contain.
    """

    title: str
    in_text: str
    short: str
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    speaks: str
    image_shape: tuple[int, int, int]
    companions: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


FACTS: Mapping[Framework, FrameworkFacts] = {
    Framework.TORCH: FrameworkFacts(
        title="PyTorch",
        in_text="torch",
        short="torch",
        packages=("torch",),
        modules=("torch",),
        companions=("fastai",),
        speaks=r"\bnn\.(?:Module|Sequential|Linear|Conv2d)\b",
        image_shape=(1, 28, 28),
    ),
    Framework.TENSORFLOW: FrameworkFacts(
        title="Keras",
        in_text="Keras",
        short="keras",
        packages=("tensorflow", "keras"),
        modules=("tensorflow", "keras"),
        speaks=r"\b(?:Dense|Conv2D|Convolution2D)[ \t]*\(|\bkeras\.(?:Model|Sequential)\b",
        image_shape=(28, 28, 1),
        environment={
            "TF_NUM_INTRAOP_THREADS": "1",
            "TF_NUM_INTEROP_THREADS": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "TF_ENABLE_ONEDNN_OPTS": "1",
            "KERAS_BACKEND": "tensorflow",
        },
    ),
}

BY_SHORT: Mapping[str, Framework] = {framework.facts.short: framework for framework in Framework}
"""Each framework by its name in files and options."""
