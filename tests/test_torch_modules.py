"""Random PyTorch modules: nothing that their maker hid is counted too small or accepted, and honest ones are accepted."""

import pytest

torch = pytest.importorskip("torch")

from made_modules import complaint, judged, model_of_code, shares, told  # noqa: E402
from torch_modules import module  # noqa: E402

from harness.backends.torch import backend  # noqa: E402
from harness.records.framework import Framework  # noqa: E402

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]


def parameters(made):
    """By PyTorch's own count."""
    model = model_of_code(made.code)
    return sum(tensor.numel() for tensor in model.parameters())


def verdicts(seeds):
    """What became of each module. Fails with those that went wrong."""
    wrong, found = [], []
    for made in map(module, seeds):
        verdict = judged(backend, made, Framework.TORCH)
        expected = parameters(made) if made.kind == "honest" else None
        wrong += told(made, complaint(made, verdict, expected))
        found.append((made, verdict))
    assert not wrong, "\n\n".join(wrong)
    return found


def test_what_a_maker_hid_is_found_and_honest_modules_are_accepted():
    """Neither by refusing all that is dishonest."""
    accepted = shares(verdicts(range(100)))
    assert accepted["honest"] == 1
    assert accepted["numbers"] > 0.7
    assert accepted["batch"] > 0.2 and accepted["training"] > 0.2


@pytest.mark.long
@pytest.mark.parametrize("part", range(50))
def test_thousands_of_modules(part):
    verdicts(range(1000 + 100 * part, 1000 + 100 * part + 100))
