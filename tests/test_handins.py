"""Hand-ins in the manner of real ones: each is the right model, or is refused in the right words."""

import pytest
from handins_table import FOLDER, hand_ins, refusal, verdict_on
from replay import Shared

pytestmark = pytest.mark.frameworks
CORPUS = hand_ins()
TENTH = CORPUS[::10]


def expect(hand_in, verdict):
    if hand_in.refused:
        assert hand_in.refused in refusal(verdict)
    else:
        assert (refusal(verdict), verdict.parameters) == ("", hand_in.parameters)


@pytest.mark.parametrize("hand_in", CORPUS, ids=lambda hand_in: hand_in.name)
def test_a_hand_in_is_the_right_model_or_is_refused_in_words(hand_in):
    expect(hand_in, verdict_on(hand_in, Shared(), one_build=hand_in not in TENTH))


@pytest.mark.long
@pytest.mark.parametrize("hand_in", [h for h in CORPUS if h not in TENTH], ids=lambda hand_in: hand_in.name)
def test_a_hand_in_is_the_same_in_every_build(hand_in, zygotes):
    expect(hand_in, verdict_on(hand_in, zygotes))


def test_every_hand_in_has_an_expected_verdict():
    names = {path.name for path in FOLDER.iterdir()} - {"expected.toml"}
    assert names == {hand_in.name for hand_in in CORPUS}
    assert len(CORPUS) >= 80


def test_explain_import_shows_what_would_run_and_runs_nothing(command_here):
    answer = command_here("check", FOLDER / "torch_asks.py", "--explain-import")
    assert answer.returncode == 0
    assert "the model depends on input()" in answer.stdout
    shown = command_here("check", FOLDER / "keras_builder_with_compile.py", "--explain-import").stdout
    assert "\ndef create_model():\n    model = models.Sequential(" in shown
    assert "model.compile(" not in shown and "# left out: training" in shown


def test_an_entry_on_the_command_line_names_the_model(command_here):
    answer = command_here("check", FOLDER / "torch_unknown_argument.py", "--entry", "LeNet5(hidden=120)")
    assert answer.returncode == 0
    assert "LeNet5(hidden=120)" in answer.stdout
