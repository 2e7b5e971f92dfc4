"""Trained models on disk: a folder for each submission, with one graph and the weights of each seed. Data only.

    ada/model.json            whose model it is, how its images are scaled, its seeds with their runs and digests
    ada/graph.json            the audited graph
    ada/labels.json           the student's names for layers
    ada/seed0.safetensors     the weights after training

What is read here is untrusted input: sizes are bounded, the graph and the weights are audited, digests compared.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import cattrs

from harness.artifact.audit import MAX_GRAPH, MAX_LABELS, read_trained
from harness.handins.filenames import file_names
from harness.language.graph import ModelGraph
from harness.model.table import output_kind
from harness.records.artifact import Artifact
from harness.records.errors import ArtifactError, HarnessError, UsageError
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.tasks.assignment import Assignment

CARD, GRAPH, LABELS = "model.json", "graph.json", "labels.json"
FORMAT = 2
"""Models of format 1 have a framework's own graph."""
PIXEL_DIVISOR = 255
_AGAIN = "grade again with --keep-models"
_MAX_CARD = 1 << 18
_MAX_WEIGHTS = 256 << 20
_WEIGHTS = re.compile(r"seed(\d{1,3})\.safetensors")


@dataclass(frozen=True)
class Seed:
    """One trained seed: the key of the run that trained it, and the SHA-256 of its weights."""

    key: str
    digest: str


@dataclass(frozen=True)
class Card:
    """The content of model.json. `graph` and `labels` are SHA-256s; `divisor` is what pixels are divided by."""

    format: int
    submission: str
    framework: Framework
    dataset: str
    budget: str
    divisor: int
    graph: str
    labels: str
    seeds: dict[str, Seed] = field(default_factory=dict)


@dataclass(frozen=True)
class KeptModel:
    """One seed of a saved model, audited and ready to be loaded in a child."""

    card: Card
    seed: int
    artifact: Artifact
    graph: ModelGraph
    output_kind: OutputKind


@dataclass(frozen=True)
class Trained:
    """A model to save: whose it is, which run produced it, and the weights."""

    submission: str
    artifact: Artifact
    seed: int
    key: str
    weights: bytes = b""


class Models:
    """The folder of saved models, while a class is graded. Raises HarnessError where it cannot be written."""

    def __init__(self, folder: Path, submissions: Iterable[str], assignment: Assignment) -> None:
        names = list(dict.fromkeys(submissions))
        places = [folder / name for name in file_names(names)]
        self._places = dict(zip(names, places, strict=True))
        self._assignment = assignment
        self._known = _known(folder)

    def has(self, key: str) -> bool:
        """Whether the model of a run is here, under whatever name."""
        return key in self._known

    def is_elsewhere(self, key: str, submission: str) -> bool:
        """Whether the model of a run is here under other names only."""
        return key in self._known and self._places[submission] not in map(_folder, self._known[key])

    def keep(self, trained: Trained) -> None:
        """Write one seed of a submission; seeds of another model that was here under its name are removed."""
        place = self._places[trained.submission]
        card = self._card(place, trained)
        name = f"seed{trained.seed}.safetensors"
        card.seeds[str(trained.seed)] = Seed(trained.key, _digest(trained.weights))
        files = {GRAPH: trained.artifact.graph, LABELS: trained.artifact.labels, name: trained.weights}
        text = json.dumps(asdict(card), indent=2, ensure_ascii=True).encode() + b"\n"
        _write(place, {**files, CARD: text})  # the card last: everything it names exists by then
        self._known.setdefault(trained.key, []).append(place / name)

    def share(self, trained: Trained) -> None:
        """Save a model that is here under other names only: one run may belong to several submissions."""
        if self.is_elsewhere(trained.key, trained.submission):
            self.keep(replace(trained, weights=_read(self._known[trained.key][0], _MAX_WEIGHTS)))

    def _card(self, place: Path, trained: Trained) -> Card:
        new = Card(
            format=FORMAT,
            submission=trained.submission,
            framework=trained.artifact.framework,
            graph=_digest(trained.artifact.graph),
            labels=_digest(trained.artifact.labels),
            dataset=self._assignment.dataset,
            budget=self._assignment.budget_digest[:12],
            divisor=self._assignment.budget.divisor,
        )
        old = _card_in(place)
        if old is not None and replace(old, seeds={}) == new:
            return old
        with _failures_told(place):
            for path in place.glob("seed*.safetensors"):
                path.unlink()
        return new


def _folder(path: Path) -> Path:
    return path.parent


def _known(folder: Path) -> dict[str, list[Path]]:
    """The weights that are here, whole and unchanged, by the keys of their runs."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob(f"*/{CARD}")):
        card = _card_in(path.parent)
        for seed, entry in card.seeds.items() if card else ():
            weights = path.parent / f"seed{seed}.safetensors"
            with contextlib.suppress(HarnessError):
                if _digest(_read(weights, _MAX_WEIGHTS)) == entry.digest:
                    found.setdefault(entry.key, []).append(weights)
    return found


def _card_in(place: Path) -> Card | None:
    try:
        return _read_card(place)
    except HarnessError:
        return None


def _read_card(place: Path) -> Card:
    content = _read(place / CARD, _MAX_CARD)
    try:
        card = cattrs.structure(json.loads(content), Card)
    except (ValueError, KeyError, TypeError, RecursionError, cattrs.BaseValidationError) as error:
        raise _not_a_model(place / CARD, f"different content ({type(error).__name__})") from None
    if 1 <= card.format < FORMAT:
        raise _not_a_model(place / CARD, f"format {card.format}, which an earlier version of the harness wrote")
    if card.format != FORMAT or card.divisor not in (1, PIXEL_DIVISOR):
        raise _not_a_model(place / CARD, f"format {card.format!r}, pixels divided by {card.divisor!r}")
    if not card.seeds or not all(_WEIGHTS.fullmatch(f"seed{seed}.safetensors") for seed in card.seeds):
        raise _not_a_model(place / CARD, "no seeds, or seeds that are not numbers")
    return card


def load_model(path: Path) -> KeptModel:
    """A saved model by its folder (its first seed is used), or by the weights of one seed.

    Raises UsageError where there is none, ArtifactError where it is not what the audit allows, or was changed.
    """
    name = _WEIGHTS.fullmatch(path.name)
    place = path.parent if name or path.name == CARD else path
    if not (place / CARD).is_file():
        raise UsageError(f"a saved model in {path}", "no model.json", "run `harness grade --keep-models` first")
    card = _read_card(place)
    seed = name[1] if name else min(card.seeds, key=int)
    if seed not in card.seeds:
        raise UsageError(f"the weights of a seed in {place}", f"no seed {seed}", f"seeds: {', '.join(card.seeds)}")
    content = {
        GRAPH: (card.graph, MAX_GRAPH),
        LABELS: (card.labels, MAX_LABELS),
        f"seed{seed}.safetensors": (card.seeds[seed].digest, _MAX_WEIGHTS),
    }
    graph, labels, weights = (_unchanged(place / file, *expected) for file, expected in content.items())
    artifact = Artifact(card.framework, graph, labels, (weights,), entry="")
    audited = _audited(artifact, place)
    return KeptModel(card, int(seed), artifact, audited, output_kind(audited.evaluation)[0])


def _audited(artifact: Artifact, place: Path) -> ModelGraph:
    """The audited graph; a refusal comes with advice for a saved model, not for a submission."""
    try:
        return read_trained(artifact)
    except ArtifactError as error:
        raise ArtifactError(f"{error.expected} in {place}", error.found, _AGAIN) from None


def _unchanged(path: Path, digest: str, limit: int) -> bytes:
    content = _read(path, limit)
    if _digest(content) != digest:
        raise _not_a_model(path, "bytes that differ from those saved")
    return content


def _read(path: Path, limit: int) -> bytes:
    """A file's bytes; raises ArtifactError for a larger one, or one that cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise _not_a_model(path, error.strerror or str(error)) from None
    if len(content) > limit:
        raise _not_a_model(path, f"more than {limit:,} bytes")
    return content


def _not_a_model(path: Path, found: str) -> ArtifactError:
    return ArtifactError(f"{path} as `harness grade --keep-models` wrote it", found, _AGAIN)


def _write(place: Path, files: Mapping[str, bytes]) -> None:
    """Write files one after the other; readers see each file old or new, never half of one."""
    with _failures_told(place):
        place.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            draft = place / f".{name}.{os.getpid()}.draft"
            with contextlib.ExitStack() as stack:
                stack.callback(draft.unlink, missing_ok=True)
                with draft.open("xb") as file:  # "x": a link under this name is not followed
                    file.write(content)
                draft.replace(place / name)


@contextlib.contextmanager
def _failures_told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        advice = "fix the folder or choose another with --models, then run the same command again"
        raise HarnessError(f"to write models to {place}", error.strerror or str(error), advice) from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
