"""Hand-ins in the manner of real ones: each is the right model, or is refused in the right words."""

import pytest
from handins_table import FOLDER, hand_ins, refusal, verdict_on

pytestmark = pytest.mark.frameworks
CORPUS = hand_ins()


@pytest.mark.parametrize("hand_in", CORPUS, ids=lambda hand_in: hand_in.name)
def test_a_hand_in_is_the_right_model_or_is_refused_in_words(hand_in, zygotes):
    verdict = verdict_on(hand_in, zygotes)
    if hand_in.refused:
        assert hand_in.refused in refusal(verdict)
    else:
        assert (refusal(verdict), verdict.parameters) == ("", hand_in.parameters)


def test_every_hand_in_has_an_expected_verdict():
    names = {path.name for path in FOLDER.iterdir()} - {"expected.toml"}
    assert names == {hand_in.name for hand_in in CORPUS}
    assert len(CORPUS) >= 80
