"""Rules for random numbers, and the dropout that Keras makes of them."""

from __future__ import annotations

from harness.artifact.tensorflow.making import Drawn, Item, Making, shortest
from harness.artifact.tensorflow.match import is_read_once, match, number_of
from harness.artifact.tensorflow.raw import Argument, RawGraph, Result
from harness.artifact.tensorflow.rules import Attribute, rule
from harness.artifact.tensorflow.static import Static, chosen
from harness.language.attributes import Choice
from harness.language.refusals import not_supported
from harness.records.draw import Draw

_FLOATS = Attribute(Choice(("float32", "float64")), "float32", unread=True)
_UNIFORM = ("StatelessRandomUniformV2", "RandomUniform")
_NORMAL = ("StatelessRandomNormalV2", "RandomStandardNormal")


@rule("StatelessRandomGetKeyCounter", "1")
def key_and_counter(_: Making, seed: Item) -> tuple[Item, ...]:
    """The state of a generator, which a variable holds that changes with each step."""
    if not isinstance(seed, Drawn):
        raise not_supported("a random generator with a fixed seed, which draws the same in each step,")
    return Drawn(), Drawn()


@rule("StatelessRandomGetAlg", "")
def algorithm(_: Making) -> Item:
    """Which generator it is."""
    return Drawn()


@rule("StatelessRandomUniformV2 StatelessRandomNormalV2", "1111", dtype=_FLOATS)
def drawn(making: Making, shape: Item, key: Item, counter: Item, generator: Item) -> Item:
    """Random numbers of this shape."""
    del generator
    if not isinstance(key, Drawn) or not isinstance(counter, Drawn):
        raise not_supported("a random generator with a fixed seed, which draws the same in each step,")
    return _numbers(making, shape)


@rule("RandomUniform RandomStandardNormal", "1", dtype=Attribute(_FLOATS.type, unread=True))
def drawn_by_seed(making: Making, shape: Item) -> Item:
    """Random numbers of this shape."""
    return _numbers(making, shape)


def _numbers(making: Making, shape: Item) -> Item:
    operator = "RandomUniform" if making.node.operator in _UNIFORM else "RandomNormal"
    settings = {"low": 0.0, "high": 1.0} if operator == "RandomUniform" else {"mean": 0.0, "scale": 1.0}
    making.draws[making.index] = Draw(making.index)
    return making.emit(operator, shape=making.sizes(shape), **settings)


@rule("SelectV2", "111")
def select(making: Making, condition: Item, a: Item, b: Item) -> Item:
    """The last step of a dropout, or a where the condition holds, else b."""
    if isinstance(condition, Static) and isinstance(a, Static) and isinstance(b, Static):
        return chosen(condition, a, b)
    return _dropout(making) or making.emit("Where", condition, a, b)


def _dropout(making: Making) -> Item | None:
    """SelectV2(uniform >= rate, x / (1 - rate), 0), of all numbers or of whole channels."""
    condition, kept, other = making.node.arguments
    scaled, mask = match(making.raw, kept, ("Mul", "x", "scale#")), _mask(making.raw, condition)
    scale = number_of(scaled["scale#"]) if scaled else None
    if scaled is None or mask is None or scale is None or number_of(other) != 0:
        return None
    place, kept_from = mask
    if not 0 <= kept_from < 1 or abs(scale * (1 - kept_from) - 1) > 1e-5:
        return None
    x, uniform = making.value(making.item(scaled["x"])), making.value(making.item(place))
    making.draws[making.index] = Draw(place.node, kept_from=kept_from)
    if uniform.shape == x.shape:
        return making.emit("Dropout", x, ratio=shortest(kept_from))
    return making.emit("Mul", x, making.emit("Dropout", making.filled(uniform.shape, 1), ratio=shortest(kept_from)))


def _mask(raw: RawGraph, condition: Argument) -> tuple[Result, float] | None:
    """Where a dropout draws, and the number from which it keeps; None where anything else reads what is drawn."""
    found = match(raw, condition, ("GreaterEqual", "uniform", "rate#"))
    rate = number_of(found["rate#"]) if found else None
    if found is None or rate is None or not is_read_once(raw, condition):
        return None
    place: Argument = found["uniform"]
    for operator, nothing in (("AddV2", 0.0), ("Mul", 1.0)):
        node = raw.made_by(place, operator)
        if node is not None and is_read_once(raw, place) and _is(raw, node.arguments[1], nothing):
            place = node.arguments[0]
    is_drawn = raw.made_by(place, *_UNIFORM) is not None and is_read_once(raw, place)
    return (place, rate) if is_drawn and isinstance(place, Result) else None


def _is(raw: RawGraph, argument: Argument, number: float) -> bool:
    """Whether an argument is this number, or the difference that Keras writes for the width of an interval."""
    return number_of(argument) == number or (number == 1 and match(raw, argument, ("Sub", 1.0, 0.0)) is not None)
