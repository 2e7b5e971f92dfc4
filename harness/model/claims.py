"""What a student claims about parameters, and the correct counts: PARAMETERS against the layer table. Pure.

A wrong claim is not a fault of the model: the check on claims is flagged, is not a finding, and costs nothing.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from harness.model.phrases import Language, kind, phrase
from harness.model.reasons import apart, flattened, name_of, parameters, why, why_total
from harness.records.check import Check, Outcome
from harness.records.claim import Claim, Statement
from harness.records.graph import Shape
from harness.records.layer import Layer

TOTAL = "total"
_NAMED = 6
_KNOWN = 64
_COMPARED = 32
"""The number of names, and of letters of each, compared with a wrong one: this takes time with their square."""
_SPELLED = 32


def judged(
    statement: Statement | None,
    layers: Sequence[Layer],
    by_reference: Mapping[str, Layer],
    language: Language = Language.ENGLISH,
) -> tuple[Claim, ...]:
    """Each claim with the correct count, in the order stated, with reasons in a language.

    `by_reference` has layers of the model under the names of the corresponding reference layers.
    """
    if statement is None:
        return ()
    book = _Book(layers, by_reference, language)
    claims = [book.judge(name, stated) for name, stated in statement.entries]
    slips = sum((claim.claimed or 0) - (claim.right or 0) for claim in claims if _is_wrong_layer(claim))
    return tuple(_follows(claim, slips, language) for claim in claims)


def _is_wrong_layer(claim: Claim) -> bool:
    known = claim.claimed is not None and claim.right is not None
    return known and not claim.is_right and claim.name.casefold() != TOTAL


def _follows(claim: Claim, slips: int, language: Language) -> Claim:
    """A total that is off by exactly the errors of the layer claims follows from them."""
    is_total = claim.name.casefold() == TOTAL and claim.claimed is not None and claim.right is not None
    if not is_total or not slips or claim.claimed != (claim.right or 0) + slips:
        return claim
    return replace(claim, reason=phrase("follows").told(language))


@dataclass(frozen=True)
class _Book:
    """A model's layers, for look-up by name."""

    layers: Sequence[Layer]
    by_reference: Mapping[str, Layer]
    language: Language

    def judge(self, name: str, stated: int | str) -> Claim:
        number = stated if isinstance(stated, int) else None
        found = self._find(name)
        if isinstance(found, str):
            return Claim(name, number, None, reason=found)
        right = sum(map(parameters, found))
        claim = Claim(name, number, right, _spelled(found), covers=self._covers(found))
        if number is None:
            return replace(claim, reason=self._told("no_number", stated=stated))
        return claim if claim.is_right else replace(claim, reason=self._why(found, number))

    @cached_property
    def _by_label(self) -> dict[str, list[Layer]]:
        found: dict[str, list[Layer]] = {}
        for layer in self.layers:
            if layer.label:
                found.setdefault(layer.label, []).append(layer)
        return found

    @cached_property
    def _by_last_part(self) -> dict[str, list[str]]:
        """Labels by their last part: `conv1` of `features.conv1`."""
        found: dict[str, list[str]] = {}
        for label in self._by_label:
            found.setdefault(re.split(r"[./]", label)[-1], []).append(label)
        return found

    def _find(self, name: str) -> Sequence[Layer] | str:
        """The layers under a name: the student's own, else all of them, else the reference's; or why there is none."""
        exact = self._by_label.get(name.strip("[]") if name.strip("[]").isdigit() else name)
        labels = sorted(self._by_last_part.get(name, ()))
        if exact:
            return exact
        if name.casefold() == TOTAL:
            return self.layers
        if len(labels) == 1:
            return self._by_label[labels[0]]
        if labels:
            return self._told("ambiguous", names=", ".join(labels[:_NAMED]))
        known = {reference.casefold(): layer for reference, layer in self.by_reference.items()}
        return [known[name.casefold()]] if name.casefold() in known else self._unknown(name)

    @cached_property
    def _names(self) -> list[str]:
        """The names for layers with parameters, and for all of them together."""
        labeled = (name_of(layer, self.language) for layer in self.layers if layer.size and layer.label)
        return [*list(dict.fromkeys(labeled))[:_KNOWN], TOTAL]

    def _unknown(self, name: str) -> str:
        beginnings = {known[:_COMPARED]: known for known in reversed(self._names)}
        close = difflib.get_close_matches(name[:_COMPARED], beginnings, 1)
        there = phrase("those_there_are", names=", ".join(self._names[:_SPELLED]))
        return self._told("unknown", hint=phrase("did_you_mean", name=beginnings[close[0]]) if close else there)

    def _told(self, name: str, /, **values: object) -> str:
        return phrase(name, **values).told(self.language)

    def _covers(self, found: Sequence[Layer]) -> tuple[int, ...]:
        """Positions of the layers that a claim is about; the reference's name refers to the corresponding layer of this
        model."""
        if found is self.layers:
            return ()
        tensors, themselves = {layer.tensors for layer in found if layer.tensors}, set(map(id, found))
        about = (id(layer) in themselves or layer.tensors in tensors for layer in self.layers)
        return tuple(at for at, is_about in enumerate(about) if is_about)

    def _why(self, found: Sequence[Layer], number: int) -> str:
        if found is self.layers:
            return why_total(self.layers, number, self.language)
        counted = [layer for layer in found if layer.size] or list(found)
        if not any(map(parameters, found)):
            return self._told("no_parameters", kind=self._kind(found[0]))
        if len(counted) > 1:
            return ""
        known = why(counted[0], number, self._maps(counted[0]), self.language)
        return known or apart(counted[0], number, self.language)

    def _kind(self, layer: Layer) -> str:
        return layer.kind.replace("_", " ") if self.language is Language.ENGLISH else kind(layer.kind, self.language)

    def _maps(self, wanted: Layer) -> Shape:
        """The maps before a layer; for a reference name, those of the corresponding layer of this model."""
        pairs = zip(self.layers, flattened(self.layers), strict=True)
        return next((maps for layer, maps in pairs if layer.tensors and layer.tensors == wanted.tensors), ())


def _spelled(found: Sequence[Layer]) -> str:
    """`156 = (5*5*1 + 1) * 6`, or the sum of several layers; empty where there is nothing to count."""
    counted = [layer for layer in found if parameters(layer)]
    right = sum(map(parameters, counted))
    if len(counted) > _SPELLED:
        return f"{right:,} = the sum of {len(counted):,} layers"
    if len(counted) == 1:
        constants = counted[0].constants
        return f"{right:,} = {counted[0].size:,} - {constants:,} constant" if constants else counted[0].formula
    return f"{right:,} = {' + '.join(f'{parameters(layer):,}' for layer in counted)}" if counted else ""


def claims_checks(statement: Statement | None, claims: Sequence[Claim]) -> tuple[Check, ...]:
    """One check on all claims, passed or flagged; none where nothing was stated."""
    if statement is None or not (statement.entries or statement.problem):
        return ()
    if statement.problem:
        expected = 'PARAMETERS = {"conv1": 156, "total": 61_706}: at most 64 names with whole numbers'
        advice = "name each layer as `harness check` prints it, or omit PARAMETERS"
        return (Check("claims", Outcome.FLAGGED, expected, statement.problem, advice),)
    wrong = [claim for claim in claims if not claim.is_right]
    if not wrong:
        return (Check("claims", Outcome.PASSED, found=f"{len(claims)} of {len(claims)} are right"),)
    named = ", ".join(claim.name for claim in wrong[:_NAMED]) + ", ..." * (len(wrong) > _NAMED)
    found = f"{len(wrong)} of {len(claims)} are wrong: {named}"
    expected = "the actual number of parameters of each layer"
    return (Check("claims", Outcome.FLAGGED, expected, found, _advice(wrong[0])),)


def _advice(claim: Claim) -> str:
    """What to do about one wrong claim, with the correct sum spelled out."""
    told = "; ".join(text for text in (claim.formula, claim.reason) if text)
    return f"start with {claim.name}: {told or '0'}"
