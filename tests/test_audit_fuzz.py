"""Two thousand damaged artifacts against the audit and everything after it; `benchmarks/fuzz_audit.py` tries more."""

import pytest
from audit_fuzz import MEMORY, SECONDS, checked, corpus, make, outlay, valid

from harness.artifact.audit import audit
from harness.records.errors import ArtifactError

COUNT, PARTS = 2000, 20
COUNTED = 50
"""Memory is counted for one input in this many."""


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_artifacts_are_refused_in_words_or_judged(part):
    for number in range(part * COUNT // PARTS, (part + 1) * COUNT // PARTS):
        took = outlay(make(1, number), count_memory=number % COUNTED == 0)
        assert took.memory < MEMORY, number
        assert took.seconds < 5 * SECONDS, number  # whatever else the machine does


@pytest.mark.parametrize("number", [99, 499, 799])
def test_the_largest_artifacts_take_little_memory(number):
    assert outlay(make(1, number), count_memory=True).memory < MEMORY


@pytest.mark.parametrize("entry", corpus(), ids=lambda entry: entry["name"])
def test_what_the_damage_is_done_to_is_accepted(entry):
    assert checked(valid(entry)) is not None


def test_inputs_are_damaged_and_still_get_far():
    """A fuzzer whose inputs are all refused at once would find nothing beyond, and neither would one of valid inputs."""
    accepted, fingerprints = 0, {audit(valid(entry).artifact).model.fingerprint for entry in corpus()}
    for number in range(300):
        try:
            fingerprints.add(audit(make(1, number).artifact).model.fingerprint)
            accepted += 1
        except ArtifactError:
            pass
    assert 60 < accepted < 240
    assert len(fingerprints) > len(corpus()) + 30


def test_an_input_can_be_made_again():
    assert make(3, 14) == make(3, 14)
    assert make(3, 14) != make(3, 15)
