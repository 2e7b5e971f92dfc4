"""`harness explain`: every count spelled out in two languages, and what people claim about it answered."""

import json
import re
import string
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from example_board import compare, shown
from hypothesis import given
from hypothesis import strategies as st

from harness.model.explanation import explained
from harness.model.layers import conv2d, dense, pool
from harness.model.phrases import TEMPLATES, Language, phrase
from harness.model.sums import Written, read
from harness.model.verify import by_reference_name
from harness.records.check import Check, Outcome
from harness.records.claim import Claim
from harness.records.errors import UsageError
from harness.records.framework import Framework
from harness.records.graph import Window
from harness.records.layer import Layer
from harness.records.verdict import Verdict
from harness.reports.explained import explained_json, explained_view
from reference.lenet5 import LENET5

BEHAVIOURS = Path(__file__).parent / "submissions"
ENGLISH, CHINESE = Language.ENGLISH, Language.CHINESE


def net(padding: int = 2) -> tuple[Layer, ...]:
    """LeNet-5 as a student writes it, with or without padding."""
    after = 5 if padding else 4
    window = Window((5, 5), padding=(padding,) * 4)
    halve = Window((2, 2), stride=(2, 2))
    first = conv2d("features.0", (1, 28, 28), 6, window)
    second = conv2d(
        "features.3", (6, *pool("max_pool", "", first.output_shape, halve).output_shape[1:]), 16, Window((5, 5))
    )
    layers = (
        first,
        pool("max_pool", "", first.output_shape, halve),
        second,
        pool("max_pool", "", second.output_shape, halve),
        Layer("flatten", (16, after, after), (16 * after * after,)),
        dense("fc_a", (16 * after * after,), 120),
        dense("fc_b", (120,), 84),
        dense("fc_c", (84,), 10),
    )
    return tuple(replace(layer, tensors=(f"t{at}",)) if layer.parameters else layer for at, layer in enumerate(layers))


def verdict(layers=None, claims=()) -> Verdict:
    checks = (Check("model", Outcome.PASSED, found="Net()"),)
    return Verdict("ada\x1b[31m", Framework.TORCH, checks, layers=net() if layers is None else layers, claims=claims)


def answers(*claims, layers=None, language=ENGLISH):
    found = verdict(layers)
    named = by_reference_name(found.layers, (1, 28, 28), LENET5)
    return explained(found, named, [read(claim) for claim in claims], language).answers


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("conv1=146", Written("conv1", 146)),
        ("146", Written("", 146)),
        ("[0] = 61,706", Written("[0]", 61_706)),
        ("120*(5*5*16+1)=30840", Written("", 30_840, "120*(5*5*16 + 1)", 48_120)),
        ("fc1 = 120 x (5x5x16 + 1) = 30,840", Written("fc1", 30_840, "120*(5*5*16 + 1)", 48_120)),
        ("fc1=120×(4·4·16 + 1)", Written("fc1", 30_840, "120*(4*4*16 + 1)", 30_840)),
        ("卷积层1＝（5＊5＊1＋1）＊6", Written("卷积层1", 156, "(5*5*1 + 1)*6", 156)),
        ("6*5*5-4", Written("", 146, "6*5*5 - 4", 146)),
        ("30,840 = 120*(5*5*16 + 1)", Written("", 30_840, "120*(5*5*16 + 1)", 48_120)),
        ("conv1=146=(5*5+1)*6", Written("conv1", 146, "(5*5 + 1)*6", 156)),
        ("(5*5+1)*6 = 2*78", Written("", 156, "(5*5 + 1)*6", 156)),
    ],
)
def test_counts_are_read_as_people_write_them(text, written):
    assert read(text) == written


@pytest.mark.parametrize(
    "text",
    [
        "", "conv1", "conv1=", "conv1=x", "=1", "1=2=3", "a=1=2=3", "1//2", "2**99", "9" * 13, "10**11*10", "1+", "(1",
        "a=__import__('os').system('true')", "a=[].append(1)", "a=1 if 1 else 2", "a=True", "a=1.5", "a=-1",
        "a=" + "(" * 150 + "1" + ")" * 40, "a=" + "1+" * 150 + "1", "a=999999999999*9", "a=05",
    ],
)  # fmt: skip
def test_nothing_but_sums_of_whole_numbers_is_read(text):
    with pytest.raises(UsageError) as refused:
        read(text)
    assert "conv1=146" in refused.value.expected


@given(st.text(max_size=40) | st.text("0123456789+-*() =x,", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        written = read(text)
    except UsageError:
        return
    assert abs(written.stated) < 10**12 and written.sum.isprintable()


@given(st.lists(st.sampled_from(["1", "25", "+", "-", "*", "(", ")", " "]), max_size=12).map("".join))
def test_a_sum_has_the_value_that_python_gives_it(text):
    try:
        written = read(f"a={text}")
    except UsageError:
        return
    assert written.stated == eval(text)


def test_the_counts_of_the_articles_are_answered():
    first, second, third = answers("conv1=146", "120*(5*5*16+1)=30840", "fc1=48120")
    assert not first.is_right and (first.claim.right, first.claim.formula) == (156, "156 = (5*5*1 + 1) * 6")
    assert (
        first.claim.reason == "10 fewer than 156, and not a multiple of 6: 6 filters of one size cannot have that many"
    )
    assert not second.is_right and (second.claim.name, second.claim.right) == ("fc_a", 48_120)
    assert second.remark == "120*(5*5*16 + 1) is 48,120, not 30,840"
    assert "without padding in a preceding convolution, 30,840 = (16*4*4 + 1) * 120" in second.claim.reason
    assert third.is_right and third.claim.name == "fc1"


def test_without_padding_the_other_count_is_right_and_the_sum_is_still_wrong():
    sum_, number, padded = answers("120*(5*5*16+1)=30840", "fc1=30840", "fc1=48120", layers=net(padding=0))
    assert (sum_.claim.name, sum_.claim.is_right, sum_.is_right) == ("fc_a", True, False)
    assert sum_.remark == "120*(5*5*16 + 1) is 48,120, not 30,840"
    assert number.is_right
    assert "with padding in a preceding convolution, 48,120 = (16*5*5 + 1) * 120" in padded.claim.reason


def test_numbers_alone_are_claims_by_position():
    found = answers("146", "2416", "30840", "10164", "850", "850")
    assert [answer.claim.name for answer in found] == ["features.0", "features.3", "fc_a", "fc_b", "fc_c", ""]
    assert [answer.is_right for answer in found] == [False, True, False, True, True, False]
    assert found[-1].claim.reason == "there are only 5 layers with parameters"


@pytest.mark.parametrize("name", ["conv2", "Conv2D2", "C3", "features.3"])
def test_a_layer_goes_by_any_usual_name(name):
    (answer,) = answers(f"{name}=2416")
    assert answer.is_right


def test_a_sum_without_a_name_is_known_by_its_slip():
    (answer,) = answers("84*120=10080")
    assert (answer.claim.name, answer.claim.right) == ("fc_b", 10_164) and "the bias is left out" in answer.claim.reason


def test_a_sum_for_other_maps_is_known_for_its_layer():
    (answer,) = answers("120*(5*5*16+1)=48120", layers=net(padding=0))
    assert (answer.claim.name, answer.claim.right) == ("fc_a", 30_840)
    assert "with padding in a preceding convolution" in answer.claim.reason


def test_a_sum_that_no_layer_has_is_told_so():
    (answer,) = answers("7*7=50")
    assert answer.claim.reason == "no layer has 49 or 50 parameters" and answer.remark == "7*7 is 49, not 50"


def test_own_parameters_come_first_and_nonsense_among_them_stays():
    own = (Claim("fc1", 30_840, 48_120), Claim("conv1", None, 156, reason="a list instead of a whole number"))
    found = explained(verdict(claims=own), {}, [read("conv2=2416")], CHINESE).answers
    assert [answer.claim.name for answer in found] == ["fc1", "conv2", "conv1"]
    assert "不加填充" in found[0].claim.reason and not found[2].is_right
    assert found[2].claim.reason == "这里应当是整数，却是 a list"


def test_own_parameters_that_cannot_be_read_are_told():
    read_, unread = (
        Check("model", Outcome.PASSED),
        Check("claims", Outcome.FLAGGED, "PARAMETERS = {}", "a list", "fix"),
    )
    found = explained(replace(verdict(), checks=(read_, unread)), {}, [], ENGLISH)
    assert found.checks == (unread,) and "found    a list" in shown(explained_view(found), 120)
    assert explained_json(found)["checks"] == [unread.as_dict()]
    assert explained(replace(verdict(claims=(Claim("fc1", 1, 2),)), checks=(unread,)), {}, [], ENGLISH).checks == ()


def test_every_figure_is_spelled_out_and_every_sum_is_true():
    for layers in (net(), net(padding=0)):
        for row in explained_json(explained(verdict(layers), {}, [], ENGLISH))["layers"]:
            for formula in filter(None, (row["formula"], row["output_formula"], row["macs_formula"])):
                number, spelled = formula.split(" = ")
                assert int(number.replace(",", "")) == eval(spelled)
            assert row["macs_formula"] or not row["macs"]


def test_a_layer_that_rounds_has_its_floor_and_one_that_rounds_up_no_formula():
    window = Window((3, 3), stride=(2, 2), dilation=(2, 1))
    odd = Layer("max_pool", (1, 12, 12), (1, 4, 5), window=window)
    up = Layer("max_pool", (1, 12, 12), (1, 5, 6), window=window)
    rows = explained(verdict((odd, up)), {}, [], ENGLISH).layers
    assert [row.side for row in rows] == ["4 = floor((12 - (2*(3 - 1) + 1)) / 2) + 1; 5 = floor((12 - 3) / 2) + 1", ""]


def test_both_languages_have_the_same_sentences_with_the_same_values():
    english, chinese = TEMPLATES[ENGLISH], TEMPLATES[CHINESE]
    assert english.keys() == chinese.keys()
    for name in english:
        fields = [sorted(f for _, f, _, _ in string.Formatter().parse(t[name]) if f) for t in (english, chinese)]
        assert fields[0] == fields[1], name


def test_nothing_in_chinese_is_left_in_english():
    for name, template in TEMPLATES[CHINESE].items():
        words = re.sub(r"\{[^}]*\}|padding", "", template)
        assert not re.search(r"[A-Za-z]", words), name
    assert (
        phrase("bias_once", outputs=6, noun=phrase("filters")).told(CHINESE) == "偏置只算了一个：6 个卷积核各有一个偏置"
    )


CLAIMS = ("conv1=146", "conv2=2416", "120*(5*5*16+1)=30840", "84*120=10080", "fc3=849", "fc9=1", "total=44426")


@pytest.mark.parametrize("language", Language)
def test_what_is_printed(language):
    found = verdict()
    written = [read(claim) for claim in CLAIMS]
    explanation = explained(found, by_reference_name(found.layers, (1, 28, 28), LENET5), written, language)
    compare(f"explained_{language}.txt", shown(explained_view(explanation), 190))


def test_a_model_that_cannot_be_built_is_told_with_its_checks():
    broken = Verdict("kim", None, (Check("import", Outcome.FAILED, "a file", "no file", "write one"),))
    explanation = explained(broken, {}, [read("fc1=1")], CHINESE)
    assert "没有层表" in shown(explained_view(explanation), 80) and "no file" in shown(explained_view(explanation), 80)
    assert explained_json(explanation)["checks"][0]["found"] == "no file"


def command(*arguments):
    line = [sys.executable, "-m", "harness", "explain", *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.frameworks
def test_both_frameworks_give_one_table(command_here):
    claims = ("--claim", "conv1=146", "--claim", "fc1=30840", "--claim", "120*(5*5*16+1)=30840", "--json")
    answers = [command_here("explain", BEHAVIOURS / f"lenet5_{f}", *claims) for f in ("torch", "keras")]
    found = [json.loads(answer.stdout) for answer in answers]
    for part in ("layers", "claims"):
        tables = [[{k: v for k, v in row.items() if k not in ("label", "name")} for row in f[part]] for f in found]
        assert tables[0] == tables[1]
    assert [row["parameters"] for row in found[0]["layers"]] == [156, 0, 2416, 0, 0, 48_120, 10_164, 850]
    assert (found[0]["parameters"], found[0]["macs"]) == (61_706, 416_520)


@pytest.mark.frameworks
def test_the_command_speaks_chinese_and_judges_the_files_own_claims():
    answer = command(BEHAVIOURS / "claims_wrong_torch", "--lang", "zh")
    assert answer.returncode == 0
    for words in (
        "卷积层 5x5，填充 2",
        "全连接层",
        "乘加次数",
        "漏算了偏置：84 个神经元各有一个偏置",
        "7 个说法中有 6 个不对",
    ):
        assert words in answer.stdout


@pytest.mark.frameworks
def test_a_model_that_fails_the_assignment_is_explained_all_the_same(command_here):
    assert command_here("explain", BEHAVIOURS / "no_padding_keras").returncode == 0
    assert command_here("explain", BEHAVIOURS / "syntax_error").returncode == 1
    assert command_here("explain", BEHAVIOURS / "lenet5_torch", "--claim", "conv1").returncode == 2
