"""What students say about parameters: every slip is answered with the right sum, and nothing that is said can harm."""

import json
from dataclasses import replace
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.artifact.audit import MAX_CLAIMED, MAX_CLAIMS, MAX_STATEMENT, audit_statement
from harness.backends.statement import read_statement
from harness.model.claims import claims_checks, judged
from harness.model.layers import conv2d, dense, pool
from harness.model.reasons import flattened, why, why_total
from harness.model.verify import by_reference_name
from harness.records.check import Outcome
from harness.records.claim import Claim, Statement
from harness.records.errors import ArtifactError
from harness.records.graph import Window
from harness.records.layer import Layer
from harness.reports.terminal import verdict_sentence
from reference.lenet5 import LENET5

C1, S2, C3, S4, C5, F6, OUTPUT = LENET5.layers
MAPS = (16, 5, 5)
FRAMEWORKS = pytest.mark.parametrize("framework", ["torch", "keras"])


def layers(*labels: str) -> list[Layer]:
    """LeNet-5 under other names, each weight layer with tensors of its own."""
    own = iter(labels)
    return [
        replace(layer, label=next(own), tensors=(f"t{at}",)) if layer.parameters else replace(layer, label="")
        for at, layer in enumerate(LENET5.layers)
    ]


NET = layers("features.conv1", "features.conv2", "fc1", "fc2", "0")


def claim(name: str, number: int | str, model: list[Layer] = NET) -> Claim:
    named = by_reference_name(model, (1, 28, 28), LENET5)
    (found,) = judged(Statement(((name, number),)), model, named)
    return found


@pytest.mark.parametrize(
    ("name", "number", "formula"),
    [
        ("features.conv1", 156, "156 = (5*5*1 + 1) * 6"),
        ("conv1", 156, "156 = (5*5*1 + 1) * 6"),
        ("C1", 156, "156 = (5*5*1 + 1) * 6"),
        ("c3", 2_416, "2,416 = (5*5*6 + 1) * 16"),
        ("S2", 0, ""),
        ("0", 850, "850 = (84 + 1) * 10"),
        ("[0]", 850, "850 = (84 + 1) * 10"),
        ("Output", 850, "850 = (84 + 1) * 10"),
        ("total", 61_706, "61,706 = 156 + 2,416 + 48,120 + 10,164 + 850"),
        ("Total", 61_706, "61,706 = 156 + 2,416 + 48,120 + 10,164 + 850"),
    ],
)
def test_a_layer_is_found_by_label_by_its_last_part_and_by_the_papers_name(name, number, formula):
    assert replace(claim(name, number), covers=()) == Claim(name, number, number, formula)
    assert claim(name, number).is_right
    assert not claim(name, number + 1).is_right


def test_a_students_own_name_comes_before_the_papers():
    swapped = layers("C3", "C1", "total", "fc2", "fc3")
    assert [claim(name, 0, swapped).right for name in ("C1", "C3", "total", "F6")] == [2_416, 156, 48_120, 10_164]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("fc9", "no layer has this name; did you mean fc"),
        ("wide", "those with parameters are features.conv1, features.conv2, fc1, fc2, [0], total"),
        ("", "no layer has this name"),
    ],
)
def test_a_name_that_no_layer_has_is_answered_with_those_there_are(name, words):
    found = claim(name, 156)
    assert (found.right, found.is_right) == (None, False)
    assert words in found.reason


def test_a_last_part_that_two_layers_share_is_not_guessed():
    found = claim("conv", 156, layers("a.conv", "b.conv", "fc1", "fc2", "fc3"))
    assert found.right is None
    assert found.reason == "more than one layer has this name: a.conv, b.conv"


@pytest.mark.parametrize(
    ("layer", "number", "words"),
    [
        (C1, 150, "the bias is left out: one more number for each of the 6 filters"),
        (C1, 151, "the bias is counted once: each of the 6 filters has its own"),
        (C1, 4_704, "these are its outputs, 6x28x28"),
        (C1, 117_600, "these are its multiply-accumulates"),
        (C1, 122_304, "counted at each of the 28x28 positions"),
        (C1, 26, "this is for one filter, but there are 6"),
        (C1, 36, "a filter has 5*5 weights per channel, not 5"),
        (C3, 416, "the input channels are left out: a filter has 5*5 weights for each of the 6 channels"),
        (C3, 400, "the input channels are left out"),
        (C3, 2_406, "filters and input channels are swapped"),
        (C3, 1_516, "the sparse connection table of 1998"),
        (C3, 4_832, "right for 32 filters, but there are 16"),
        (C3, 1_216, "right for 3 input channels, but there are 6"),
        (C5, 48_000, "the bias is left out: one more number for each of the 120 units"),
        (C5, 48_001, "the bias is counted once"),
        (C5, 48_400, "the bias is counted for each of the 400 inputs"),
        (C5, 30_840, "right for 16*4*4 = 256 inputs, but there are 16*5*5 = 400: that is without padding"),
        (C5, 94_200, "right for 16*7*7 = 784 inputs, but there are 16*5*5 = 400: that is with padding"),
        (C5, 192_120, "right for 16*10*10 = 1,600 inputs, but there are 16*5*5 = 400: a preceding pooling"),
        (C5, 2_040, "right for 16*1*1 = 16 inputs, but there are 16*5*5 = 400: each map has more than one number"),
        (C5, 520, "inputs and units are added"),
        (C5, 401, "this is for one unit, but there are 120"),
        (C5, 400, "these are its inputs"),
        (C5, 120, "these are its outputs, 120"),
        (C5, 33_684, "right for 84 units, but there are 120"),
        (C5, 36_120, "right for 300 inputs, but there are 400"),
        (dense("d", (400,), 120, bias=False), 48_120, "a bias is counted, but this layer has none"),
        (conv2d("g", (6, 14, 14), 16, Window((5, 5)), groups=2), 2_416, "because there are 2 groups"),
    ],
)
def test_the_usual_slips_are_told(layer, number, words):
    assert words in why(layer, number, MAPS if layer.kind == "dense" else ())


def test_what_is_right_or_without_a_known_reason_gets_none():
    for layer in LENET5.layers:
        assert why(layer, layer.parameters, MAPS) == ""
        assert why(layer, 7_919_111, MAPS) == why(layer, -1, MAPS) == why(layer, 0, MAPS) == ""
    assert why_total(LENET5.layers, 61_706) == why_total(LENET5.layers, 7_919_111) == ""


@given(
    st.sampled_from([*LENET5.layers, pool("max_pool", "", (1, 4, 4), Window((2, 2), (2, 2))), Layer("add", (), ())]),
    st.integers(),
)
def test_any_number_has_at_most_one_reason_and_breaks_nothing(layer, number):
    for maps in ((), MAPS, (1, 1, 1)):
        assert isinstance(why(layer, number, maps), str)


SIZES = st.lists(st.integers(0, 40), max_size=4).map(tuple)
WILD = st.builds(
    Layer,
    st.sampled_from(["conv2d", "dense", "normalization", "matmul"]),
    SIZES,
    SIZES,
    st.sampled_from(["", "a", "b.a", "0"]),
    st.none() | st.just(Window((5, 5))),
    bias=st.booleans(),
    groups=st.integers(0, 3),
    parameters=st.integers(0, 5_000),
    frozen=st.integers(0, 9),
    constants=st.integers(0, 9),
    shared=st.sampled_from([(), ("t0",)]),
)


@given(st.lists(WILD, max_size=4), st.integers(-1, 10_000))
def test_layers_that_make_no_sense_break_nothing(model, number):
    names = ("a", "0", "C1", "total", "nobody")
    claims = judged(Statement(tuple((name, number) for name in names)), model, {"C1": model[0]} if model else {})
    assert [found.name for found in claims] == list(names)
    assert all(found.right is not None or found.reason for found in claims)


def test_a_model_of_thousands_of_layers_is_answered_in_short():
    model = [replace(dense(f"layer{at}", (4,), 3), tensors=(f"t{at}",)) for at in range(5_000)]
    entries = [*((f"nobody{at}", at) for at in range(32)), *(("total", at) for at in range(31)), ("layer7", 15)]
    claims = judged(Statement(tuple(entries)), model, {})
    assert claims[-1].is_right
    assert claims[40].formula == "75,000 = the sum of 5,000 layers"
    assert max(len(found.formula) + len(found.reason) for found in claims) < 1_000


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (61_470, "all biases are left out: 236 numbers"),
        (44_426, "as if C5 had 30,840: right for 16*4*4 = 256 inputs"),
        (60_806, "as if C3 had 1,516: this is the sparse connection table of 1998"),
        (61_586, "as if C5 had 48,000: the bias is left out"),
        (51_542, "F6 is left out, 10,164 = (120 + 1) * 84"),
        (416_520, "these are the multiply-accumulates for one image"),
    ],
)
def test_a_wrong_total_is_traced_to_its_layer(number, words):
    assert words in why_total(LENET5.layers, number)


def test_a_total_that_follows_from_wrong_layers_says_so():
    stated = Statement((("fc1", 48_000), ("conv1", 150), ("total", 61_706 - 120 - 6)))
    *_, total = judged(stated, NET, {})
    assert (total.right, total.is_right) == (61_706, False)
    assert total.reason == "it follows from the wrong layer claims: fix those and add again"


def test_constants_and_frozen_numbers_are_distinguished():
    held = Layer(
        "dense", (400,), (120,), "fc1", bias=True, parameters=120, constants=48_000, formula="48,120 = (400 + 1) * 120"
    )
    found = claim("fc1", 48_120, [held])
    assert (found.right, found.formula) == (120, "120 = 48,120 - 48,000 constant")
    assert "48,000 of these are constants" in found.reason
    frozen = Layer("dense", (84,), (10,), "fc3", bias=True, parameters=10, frozen=840, formula="850 = (84 + 1) * 10")
    assert claim("fc3", 850, [frozen]).is_right
    assert "840 parameters that are not trained" in claim("fc3", 10, [frozen]).reason
    assert "840 parameters that are not trained" in claim("total", 10, [frozen]).reason
    assert "48,000 of these are constants" in claim("total", 48_120, [held]).reason


def test_weights_that_another_layer_owns_and_statistics_are_told():
    tied = Layer("dense", (120,), (120,), "again", bias=True, shared=("t0",))
    assert "those of another layer" in why(tied, 14_520)
    norm = Layer("normalization", (6, 28, 28), (6, 28, 28), "bn", parameters=12, formula="12 = 6 + 6")
    assert "running mean and variance" in why(norm, 24)


def test_maps_are_those_that_were_flattened_into_a_layer():
    assert flattened(LENET5.layers)[4:] == [MAPS, (), ()]
    assert flattened([Layer("flatten", MAPS, (400,)), C5])[1] == MAPS


def test_the_check_is_flagged_without_being_a_finding():
    claims = judged(Statement((("fc1", 48_000), ("C1", 156))), NET, by_reference_name(NET, (1, 28, 28), LENET5))
    (check,) = claims_checks(Statement((("x", 1),)), claims)
    assert (check.name, check.outcome, check.brief) == ("claims", Outcome.FLAGGED, "")
    assert check.found == "1 of 2 are wrong: fc1"
    assert (
        check.try_
        == "start with fc1: 48,120 = (400 + 1) * 120; the bias is left out: one more number for each of the 120 units"
    )
    assert claims_checks(None, ()) == claims_checks(Statement(), ()) == ()


def module(value: object) -> ModuleType:
    made = ModuleType("model")
    made.PARAMETERS = value
    return made


class Whole:
    """A whole number of another type, as NumPy has them."""

    def __index__(self):
        return 156


@pytest.mark.parametrize(
    ("value", "stated"),
    [
        ({}, Statement()),
        ({"a": 1, "b": -1, "c": Whole()}, Statement((("a", 1), ("b", -1), ("c", 156)))),
        (
            {"a": True, "b": None, "c": 1.0, "d": "1"},
            Statement((("a", "a bool"), ("b", "a NoneType"), ("c", "a float"), ("d", "a str"))),
        ),
        ({1: 156, b"x": 1}, Statement((("(an int instead of a name)", 156), ("(a bytes instead of a name)", 1)))),
        (
            {"a": 10**12, "b": -(10**5000)},
            Statement((("a", "a number of more than 12 digits"), ("b", "a number of more than 12 digits"))),
        ),
        ({"\u202ename\x1b[0m\udc80" * 100: 1}, Statement(((("?name?[0m?" * 100)[:80], 1),))),
        (dict.fromkeys(map(str, range(64)), 1), Statement(tuple((str(i), 1) for i in range(64)))),
        (dict.fromkeys(map(str, range(65)), 1), Statement((), "a dict of 65 entries, where 64 are allowed")),
        ([1, 2], Statement((), "a list")),
        (None, Statement((), "a NoneType")),
    ],
)
def test_what_is_stated_survives_the_way_as_plain_data(value, stated):
    assert audit_statement(read_statement(module(value))) == stated


def test_without_parameters_nothing_travels():
    assert read_statement(ModuleType("model")) == b""
    assert audit_statement(b"") is None


ENTRIES = {"problem": "", "entries": []}
FORGED = [
    b"[]",
    b"{",
    b"\xff",
    b"[" * 100_000,
    b" " * (MAX_STATEMENT + 1),
    b'{"problem": "", "entries": [["a", NaN]]}',
    b'{"problem": "", "entries": [["a", 1' + b"0" * 5000 + b"]]}",
    *(
        json.dumps(ENTRIES | changed).encode()
        for changed in (
            {"more": 1},
            {"entries": {}},
            {"entries": [["a", 1]] * (MAX_CLAIMS + 1)},
            {"entries": [["a"]]},
            {"entries": ["ab"]},
            {"entries": [[1, 1]]},
            {"entries": [["a", True]]},
            {"entries": [["a", 1.5]]},
            {"entries": [["a", None]]},
            {"entries": [["a", MAX_CLAIMED]]},
            {"entries": [["a", [[[1]]]]]},
        )
    ),
]


@pytest.mark.parametrize("blob", FORGED, ids=range(len(FORGED)))
def test_a_forged_statement_is_refused(blob):
    with pytest.raises(ArtifactError):
        audit_statement(blob)


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
        lambda x: json.dumps({"problem": "", "entries": x}).encode()
    )
)
def test_any_bytes_are_read_or_refused(blob):
    try:
        stated = audit_statement(blob)
    except ArtifactError:
        return
    assert stated is None or len(stated.entries) <= MAX_CLAIMS


@pytest.mark.frameworks
@FRAMEWORKS
def test_right_claims_pass(examine_behaviour, framework):
    verdict = examine_behaviour(f"claims_right_{framework}", one_build=True).verdict
    assert [claim.is_right for claim in verdict.claims] == [True] * 6
    assert check_of(verdict).outcome is Outcome.PASSED
    assert verdict.matches_reference


@pytest.mark.frameworks
@FRAMEWORKS
def test_wrong_claims_are_answered_and_take_nothing_away(examine_behaviour, framework):
    verdict = examine_behaviour(f"claims_wrong_{framework}", one_build=True).verdict
    told = {claim.name: (claim.right, claim.reason) for claim in verdict.claims if not claim.is_right}
    assert {name: right for name, (right, _) in told.items()} == {
        "conv1": 156,
        "conv2": 2_416,
        "fc1": 48_120,
        "fc2": 10_164,
        "fc4": None,
        "total": 61_706,
    }
    words = {
        "conv1": "counted once",
        "conv2": "channels are left out",
        "fc1": "without padding",
        "fc2": "bias is left out",
        "fc4": "did you mean fc",
        "total": "as if fc1 had 30,840",
    }
    assert all(words[name] in reason for name, (_, reason) in told.items())
    assert (verdict.outcome, verdict.matches_reference) == (Outcome.PASSED, True)
    assert check_of(verdict).outcome is Outcome.FLAGGED
    assert "found" not in verdict_sentence(verdict)


@pytest.mark.frameworks
@FRAMEWORKS
@pytest.mark.parametrize(
    ("behaviour", "found"),
    [
        ("nonsense", "6 of 6 are wrong: conv1, (an int instead of a name), fc1, fc2, fc3, total"),
        ("list", "a list"),
        ("million", "a dict of 1,000,000 entries, where 64 are allowed"),
        ("hostile", "5 of 6 are wrong: fc1, (a Name instead of a name), fc3, "),
    ],
)
def test_nonsense_and_hostile_claims_are_a_flag_and_no_failed_build(examine_behaviour, behaviour, found, framework):
    verdict = examine_behaviour(f"claims_{behaviour}_{framework}", one_build=True).verdict
    assert (verdict.outcome, verdict.matches_reference) == (Outcome.PASSED, True)
    check = check_of(verdict)
    assert check.outcome is Outcome.FLAGGED
    assert check.found.startswith(found)
    assert check.found.isascii() and check.found.isprintable()
    assert check.expected and check.try_


@pytest.mark.frameworks
@FRAMEWORKS
def test_claims_change_nothing_that_is_trained(examine_behaviour, framework):
    right, wrong = (
        examine_behaviour(f"claims_{name}_{framework}", one_build=True).verdict for name in ("right", "wrong")
    )
    assert (right.fingerprint, right.weight_digests) == (wrong.fingerprint, wrong.weight_digests)


def check_of(verdict):
    return next(check for check in verdict.checks if check.name == "claims")
