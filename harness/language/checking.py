"""The one check of a node against the table: inputs, attributes, and the value that results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.language.graph import Kind, Value
from harness.language.operators import OPERATORS, REQUIRED, Input, Operator
from harness.language.refusals import invalid, not_supported
from harness.language.sizes import Dimensions, Size, is_in_every_batch, product, shown_shape

MAX_NUMBERS = 1 << 24
"""In one value, for each image."""


def checked(
    operator: str, inputs: Sequence[Value], attributes: Mapping[str, Any]
) -> tuple[dict[str, Any], Dimensions, Kind]:
    """A node's attributes in their one form with defaults filled in, and its result's shape and kind.

    Raises ArtifactError if it does not match the operator's row in the table.
    """
    row = OPERATORS.get(operator)
    if row is None:
        raise not_supported(f"operator {operator!a:.60}")
    _check_inputs(row, inputs)
    read = _attributes(row, attributes)
    shape = row.shape([value.shape for value in inputs], read)
    _check_size(operator, shape)
    return read, shape, _kind(row, inputs, read)


def _check_inputs(row: Operator, inputs: Sequence[Value]) -> None:
    pairs = list(zip(inputs, _declared(row, len(inputs)), strict=True))
    for value, declared in pairs:
        if value.kind not in declared.kinds:
            raise not_supported(f"{row.name} of {value.kind} numbers")
        if not declared.ranks[0] <= value.rank <= declared.ranks[1]:
            raise not_supported(f"{row.name} with an input of shape {shown_shape(value.shape)}")
    if len({value.kind for value, declared in pairs if len(declared.kinds) > 1}) > 1:
        raise not_supported(f"{row.name} of several kinds of numbers")


def _declared(row: Operator, count: int) -> Sequence[Input]:
    if row.is_variadic and count >= 1:
        return row.inputs * count
    least = sum(not declared.is_optional for declared in row.inputs)
    if not least <= count <= len(row.inputs):
        raise invalid(f"{row.name} with {least} to {len(row.inputs)} inputs", str(count))
    return row.inputs[:count]


def _attributes(row: Operator, attributes: Mapping[str, Any]) -> dict[str, Any]:
    unknown = attributes.keys() - {declared.name for declared in row.attributes}
    if unknown:
        raise invalid(f"attributes that {row.name} has", f"{sorted(unknown)!a:.60}")
    found: dict[str, Any] = {}
    for declared in row.attributes:
        value = attributes.get(declared.name, declared.default)
        if value is REQUIRED:
            raise invalid(f"{declared.name} of {row.name}", "none")
        found[declared.name] = value if value is declared.default else declared.type.read(value)
    return found


def _kind(row: Operator, inputs: Sequence[Value], attributes: Mapping[str, Any]) -> Kind:
    if row.name == "Cast":
        return Kind(attributes["to"])
    if row.kind is not None or not inputs:
        return row.kind or Kind.FLOAT
    return inputs[-1].kind if row.name == "Where" else inputs[0].kind


def _check_size(operator: str, shape: Dimensions) -> None:
    total = product(shape)
    images, more = (total.images, total.more) if isinstance(total, Size) else (0, total)
    if 0 in shape:
        raise not_supported(f"{operator} that gives no numbers")
    has_all = all(map(is_in_every_batch, shape))
    if max(abs(images), abs(more)) > MAX_NUMBERS or not has_all or len(shape) > 8:
        raise invalid(f"at most {MAX_NUMBERS:,} numbers for each image and 8 axes", f"{operator} {shown_shape(shape)}")
