"""The explanation of a layer table for a terminal and for programs. Pure.

Text goes in as `Text`, which reads no markup. Figures look the same in every language.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Group, JustifyMethod, RenderableType
from rich.table import Table
from rich.text import Text

from harness.model.explanation import Answer, Counted, Explanation
from harness.model.phrases import Language, kind, phrase
from harness.model.reasons import parameters
from harness.records.layer import Layer
from harness.reports import layer_wording, wording
from harness.reports.neutral import neutral
from harness.reports.terminal import check_list, plain_table

Say = Callable[..., str]
_COLUMNS: tuple[tuple[str, JustifyMethod], ...] = (
    ("layer", "left"),
    ("kind", "left"),
    ("output", "left"),
    ("output_spelled", "left"),
    ("parameters", "right"),
    ("spelled", "left"),
    ("macs_head", "right"),
    ("macs_spelled", "left"),
)
_CLAIM_COLUMNS: tuple[tuple[str, JustifyMethod], ...] = (
    ("claim", "left"),
    ("you_said", "right"),
    ("it_is", "right"),
    ("spelled", "left"),
    ("why", "left"),
)
_RULES = {"conv2d": ("rule_conv2d", "rule_side"), "dense": ("rule_dense",), "max_pool": ("rule_pool", "rule_side")}
_RULES["avg_pool"] = _RULES["max_pool"]
_ORDER = ("rule_conv2d", "rule_dense", "rule_pool", "rule_side", "rule_macs")


def explained_view(explanation: Explanation) -> RenderableType:
    """What `harness explain` prints."""
    explanation = neutral(explanation)
    say = _speaker(explanation.language)
    header = Text.assemble((explanation.submission, "bold"), f"  {wording.framework(explanation.framework)}")
    if not explanation.layers:
        return Group(header, Text(), Text(say("not_explained")), check_list(explanation.checks))
    parts: list[RenderableType] = [header, Text(), _table(explanation, say), Text()]
    parts += [Text(say(rule), style="dim") for rule in _rules(explanation)]
    if explanation.answers:
        parts += [Text(), _claims(explanation, say), Text(), _sentence(explanation, say)]
    if explanation.checks:
        parts += [Text(), check_list(explanation.checks)]
    return Group(*parts)


def _speaker(language: Language) -> Say:
    return lambda name, **values: phrase(name, **values).told(language)


def _rules(explanation: Explanation) -> list[str]:
    """The rules by which these layers were counted."""
    used = {rule for counted in explanation.layers for rule in _RULES.get(counted.layer.kind, ())}
    return [rule for rule in _ORDER if rule in used or rule == "rule_macs"]


def _table(explanation: Explanation, say: Say) -> Table:
    table = plain_table()
    for name, side in _COLUMNS:
        table.add_column(say(name), justify=side, overflow="fold")
    for counted in explanation.layers:
        table.add_row(*(Text(text) for text in _line(counted, explanation.language, say)))
    table.add_section()
    total = ("total", "", "", "", f"{explanation.parameters:,}", "", f"{explanation.macs:,}", "")
    table.add_row(say("total"), *map(Text, total[1:]), style="bold")
    return table


def _line(counted: Counted, language: Language, say: Say) -> tuple[str, ...]:
    layer = counted.layer
    return (
        layer.label or wording.NOTHING,
        _kind(layer, language, say),
        wording.shape(layer.output_shape),
        counted.side or wording.NOTHING,
        _parameters(layer, say),
        _spelled(layer.formula, layer.size),
        layer_wording.layer_macs(layer),
        _spelled(counted.macs, layer.macs),
    )


def _kind(layer: Layer, language: Language, say: Say) -> str:
    """`convolution 5x5, padding 2` in a language."""
    name = kind(layer.kind, language)
    settings = [say(setting, value=value) for setting, value in layer_wording.layer_settings(layer)]
    return say("comma").join([f"{name} {wording.shape(layer.window.kernel)}", *settings]) if layer.window else name


def _parameters(layer: Layer, say: Say) -> str:
    parts = [f"{layer.parameters:,}"] if layer.parameters or not (layer.frozen or layer.constants) else []
    parts += [say("frozen_part", count=layer.frozen)] * bool(layer.frozen)
    return " + ".join([*parts, *[say("constant_part", count=layer.constants)] * bool(layer.constants)])


def _spelled(formula: str, number: int) -> str:
    """`= (5*5*1 + 1) * 6`, to show next to the number."""
    return formula.removeprefix(f"{number:,} ") or wording.NOTHING


def _claims(explanation: Explanation, say: Say) -> Table:
    table = plain_table()
    table.add_column("")
    for name, side in _CLAIM_COLUMNS:
        table.add_column(say(name), justify=side, overflow="fold")
    for answer in explanation.answers:
        mark = Text("✓", style="green") if answer.is_right else Text("✗", style="red")
        table.add_row(mark, *(Text(text) for text in _claimed(answer, say)))
    return table


def _claimed(answer: Answer, say: Say) -> tuple[str, ...]:
    name, *figures, reason = wording.claimed(answer.claim)
    why = say("semicolon").join(part for part in (answer.remark, reason) if part)
    return (name or answer.sum or wording.NOTHING, *figures, why)


def _sentence(explanation: Explanation, say: Say) -> Text:
    wrong = sum(not answer.is_right for answer in explanation.answers)
    count = len(explanation.answers)
    if not wrong:
        return Text(say("all_right", count=count), style="bold green")
    return Text(say("some_wrong", wrong=wrong, count=count), style="bold red")


def explained_json(explanation: Explanation) -> dict[str, Any]:
    """What `explain --json` prints, ready for `json.dumps`."""
    explanation = neutral(explanation)
    return {
        "submission": explanation.submission,
        "framework": None if explanation.framework is None else str(explanation.framework),
        "language": str(explanation.language),
        "parameters": explanation.parameters,
        "macs": explanation.macs,
        "layers": [_layer_json(counted, explanation.language) for counted in explanation.layers],
        "claims": [_claim_json(answer, _speaker(explanation.language)) for answer in explanation.answers],
        "checks": [check.as_dict() for check in explanation.checks],
    }


def _layer_json(counted: Counted, language: Language) -> dict[str, Any]:
    layer = counted.layer
    return {
        "label": layer.label,
        "kind": _kind(layer, language, _speaker(language)),
        "output_shape": list(layer.output_shape),
        "output_formula": counted.side,
        "parameters": parameters(layer),
        "constants": layer.constants,
        "formula": layer.formula,
        "macs": layer.macs,
        "macs_formula": counted.macs,
    }


def _claim_json(answer: Answer, say: Say) -> dict[str, Any]:
    claim = answer.claim
    return {
        "name": claim.name,
        "claimed": claim.claimed,
        "sum": answer.sum,
        "sum_value": answer.sum_value,
        "right": claim.right,
        "is_right": answer.is_right,
        "formula": claim.formula,
        "reason": say("semicolon").join(part for part in (answer.remark, claim.reason) if part),
    }
