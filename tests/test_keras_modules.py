"""Random Keras modules: nothing that their maker hid is counted too small or accepted, and honest ones are accepted."""

import numpy as np
import pytest

pytest.importorskip("harness.backends.tensorflow.imported", exc_type=ImportError)  # imports TensorFlow its own way

from keras_modules import module
from made_modules import complaint, judged, model_of_code, shares, told

from harness.backends.tensorflow import backend
from harness.backends.tensorflow.device import use_one_thread
from harness.backends.tensorflow.imported import keras
from harness.records.framework import Framework

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]

use_one_thread()  # before TensorFlow computes anything


def parameters(made):
    """By Keras's own count."""
    model = model_of_code(made.code)
    model(np.zeros((2, 28, 28, 1), np.float32))
    return sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)


def verdicts(seeds):
    """What became of each module. Fails with those that went wrong."""
    wrong, found = [], []
    for made in map(module, seeds):
        keras.utils.clear_session(free_memory=False)
        verdict = judged(backend, made, Framework.TENSORFLOW)
        expected = parameters(made) if made.kind == "honest" else None
        wrong += told(made, complaint(made, verdict, expected))
        found.append((made, verdict))
    assert not wrong, "\n\n".join(wrong)
    return found


def test_what_a_maker_hid_is_found_and_honest_modules_are_accepted():
    """Neither by refusing all that is dishonest."""
    accepted = shares(verdicts(range(20)))
    assert accepted["honest"] == 1
    assert accepted["numbers"] > 0.7
    assert accepted["batch"] > 0.2 and accepted["training"] > 0.2


@pytest.mark.long
@pytest.mark.parametrize("part", range(20))
def test_a_thousand_modules(part):
    verdicts(range(1000 + 50 * part, 1000 + 50 * part + 50))
