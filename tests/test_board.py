"""From verdicts and runs to the rows of a board: status, places, twins and order."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.records.board import Difference, Row, Status, Versus
from harness.records.check import Check, Outcome
from harness.records.checks import Findings
from harness.records.framework import Framework
from harness.records.graph import OutputKind
from harness.records.run import Curve, Observations, RunResult, RunStatus
from harness.records.verdict import Verdict
from harness.scoring.standing import Entrant, Standing, standing

IMAGES = 1000
LABELS = (np.arange(IMAGES) % 10).astype(np.uint8)
PASSED = Check("model", Outcome.PASSED, found="Net()")
FAILED = Check("layer", Outcome.FAILED, "6 filters", "8 filters", "out_channels=6", about="C1")
ERRORED = Check("framework", Outcome.ERRORED, "a build", "no answer", "tell the staff")


def classes(wrong: int) -> bytes:
    """Predictions with this many errors."""
    found = LABELS.copy()
    found[:wrong] = (found[:wrong] + 1) % 10
    return found.tobytes()


def verdict(name: str, *checks: Check) -> Verdict:
    return Verdict(
        name, Framework.TORCH, checks or (PASSED,), "Net()", "28x28", OutputKind.LOGITS, "f00", parameters=9, macs=7
    )


class Class:
    """A class of submissions and the runs that were done for it."""

    def __init__(self, seeds: int = 2, **policy: str) -> None:
        self.seeds = seeds
        self.policy = Findings(**policy)
        self.observed = Observations()
        self.entries: list[Entrant] = []
        self.runs: dict[str, RunResult] = {}

    def trained(self, name: str, *wrong: int | RunStatus | None, is_reference: bool = False) -> "Class":
        """A submission with a run for each seed: its errors, how it ended badly, or None for a run that is not there."""
        keys = tuple(f"{name}/{seed}" for seed in range(len(wrong)))
        for seed, (key, result) in enumerate(zip(keys, wrong, strict=True)):
            if isinstance(result, RunStatus):
                self.runs[key] = RunResult(key, seed, result, f"it was {result}", seconds=1)
            elif result is not None:
                curve = Curve((0.5,), (0.4,), (0.9,))
                self.runs[key] = RunResult(
                    key, seed, RunStatus.DONE, "", classes(result), curve, seconds=2, observations=self.observed
                )
        self.entries.append(Entrant(verdict(name), keys, is_reference))
        return self

    def refused(self, name: str, *checks: Check) -> "Class":
        self.entries.append(Entrant(verdict(name, *checks), ()))
        return self

    def standing(self) -> Standing:
        return standing(self.entries, self.runs, LABELS, self.seeds, self.policy)

    def rows(self) -> tuple[Row, ...]:
        return self.standing().rows

    def places(self) -> dict[str, tuple[int | None, int | None]]:
        return {row.submission: (row.place_low, row.place_high) for row in self.rows()}

    def row(self, name: str) -> Row:
        return next(row for row in self.rows() if row.submission == name)


def test_trained_submission_is_ranked_on_the_mean_of_its_seeds():
    row = Class().trained("ada", 10, 30).row("ada")
    assert (row.status, row.place_low, row.place_high, row.accuracy) == (Status.RANKED, 1, 1, pytest.approx(0.98))
    assert row.seed_accuracies == (0.99, 0.97)
    assert row.errors_per_10000 == pytest.approx(200)
    assert row.accuracy_low < 0.98 < row.accuracy_high
    assert (row.seeds_done, row.seeds_asked, row.seconds, len(row.curves)) == (2, 2, 4, 2)
    assert row.reason == ""


def test_row_repeats_what_the_verdict_knows():
    row = Class().trained("ada", 1, 1).row("ada")
    assert (row.framework, row.parameters, row.macs) == (Framework.TORCH, 9, 7)
    assert (row.entry, row.input_form, row.output_kind, row.fingerprint) == ("Net()", "28x28", OutputKind.LOGITS, "f00")
    assert row.checks == (PASSED,)


def test_rows_without_a_clear_difference_share_a_range_of_places_in_the_order_of_accuracy():
    group = Class().trained("d", 99, 99).trained("b", 5, 7).trained("a", 7, 5).trained("c", 6, 7)
    assert list(group.places().items()) == [("a", (1, 3)), ("b", (1, 3)), ("c", (1, 3)), ("d", (4, 4))]


def test_clear_differences_give_one_place_each():
    assert Class().trained("b", 100, 100).trained("a", 5, 5).places() == {"a": (1, 1), "b": (2, 2)}


def test_reference_stands_between_the_others_without_a_place_and_takes_none():
    group = Class().trained("a", 1, 1).trained("lenet5", 60, 60, is_reference=True).trained("b", 200, 200)
    assert list(group.places().items()) == [("a", (1, 1)), ("lenet5", (None, None)), ("b", (2, 2))]


def test_each_submission_is_compared_with_the_reference():
    group = Class().trained("lenet5", 60, 60, is_reference=True)
    group.trained("a", 1, 1).trained("b", 61, 59).trained("c", 200, 200)
    versus = {row.submission: row.versus_reference for row in group.rows()}
    assert versus == {"a": Versus.BETTER, "lenet5": None, "b": Versus.UNCLEAR, "c": Versus.WORSE}


def test_without_a_reference_there_is_nothing_to_compare_with():
    assert Class().trained("a", 1, 1).row("a").versus_reference is None


def test_the_reference_of_the_own_framework_counts():
    group = Class().trained("torch", 100, 100, is_reference=True).trained("keras", 10, 10, is_reference=True)
    group.trained("a", 50, 50)
    group.entries[1] = replace(group.entries[1], verdict=replace(verdict("keras"), framework=Framework.TENSORFLOW))
    assert group.row("a").versus_reference is Versus.BETTER


def test_the_smallest_difference_needs_two_submissions():
    group = Class().trained("a", 10, 12)
    assert group.standing().smallest_difference is None
    assert 0 < group.trained("b", 40, 41).standing().smallest_difference < 0.05


def test_submissions_of_one_name_have_their_own_places():
    group = Class().trained("x", 1, 1).trained("y", 100, 100)
    group.entries = [Entrant(verdict("same"), entry.run_keys) for entry in group.entries]
    assert [row.place_low for row in group.rows()] == [1, 2]


def test_seed_that_diverged_counts_as_all_wrong():
    row = Class().trained("ada", 0, RunStatus.DIVERGED).row("ada")
    assert (row.status, row.accuracy, row.seeds_done) == (Status.RANKED, 0.5, 1)
    assert row.seed_accuracies == (1.0, 0.0)
    assert row.reason == "seed 1 diverged: it was diverged"
    assert row.place_low == 1


@pytest.mark.parametrize("status", [RunStatus.TIMED_OUT, RunStatus.OUT_OF_MEMORY])
def test_safety_limit_that_ends_a_seed_fails_the_submission_and_never_ranks_it(status):
    row = Class().trained("ada", 0, status).row("ada")
    assert (row.status, row.place_low, row.accuracy) == (Status.FAILED, None, None)
    assert row.checks[-1].found == row.reason == f"seed 1 {status}: it was {status}"


def test_failed_seed_ranks_below_a_worse_model_that_holds():
    group = Class().trained("shaky", 0, RunStatus.DIVERGED).trained("steady", 100, 100)
    assert [row.submission for row in group.rows()] == ["steady", "shaky"]


def test_submission_whose_seeds_all_ended_badly_has_failed():
    row = Class().trained("ada", RunStatus.DIVERGED, RunStatus.TIMED_OUT).row("ada")
    assert (row.status, row.place_low) == (Status.FAILED, None)
    assert (row.accuracy, row.accuracy_low, row.accuracy_high, row.errors_per_10000) == (None,) * 4
    assert row.checks[-1].name == "training"
    assert row.checks[-1].outcome is Outcome.FAILED
    assert row.checks[-1].found == row.reason == "seed 0 diverged: it was diverged; seed 1 timed out: it was timed out"


PRETRAINED = Observations(untrained_accuracy=0.9)


def test_a_finding_that_fails_takes_the_row_its_place_and_is_its_reason():
    group = Class(pretrained="fail")
    group.observed = PRETRAINED
    row = group.trained("ada", 1, 1).row("ada")
    assert (row.status, row.place_low, row.accuracy, row.accuracy_low) == (Status.FAILED, None, None, None)
    assert row.reason == "pretrained: 90.0 % accuracy before the first training step (seed 1)"
    assert [(check.name, check.outcome, check.brief) for check in row.findings] == [
        ("pretrained", Outcome.FAILED, "90.0 %")
    ]


def test_a_finding_that_flags_leaves_the_row_its_place():
    group = Class(pretrained="flag")
    group.observed = PRETRAINED
    row = group.trained("ada", 1, 1).row("ada")
    assert (row.status, row.place_low, row.accuracy, row.reason) == (Status.RANKED, 1, pytest.approx(0.999), "")
    assert [(check.name, check.outcome) for check in row.findings] == [("pretrained", Outcome.FLAGGED)]


def test_a_row_without_a_finding_has_none():
    assert Class(**dict.fromkeys(("pretrained", "hidden"), "fail")).trained("ada", 1, 1).row("ada").findings == ()


@pytest.mark.parametrize(("policy", "status"), [("fail", Status.FAILED), ("flag", Status.RANKED)])
@pytest.mark.parametrize("stored", [Outcome.FAILED, Outcome.FLAGGED])
def test_the_policy_of_the_board_decides_on_a_finding_of_the_verdict(policy, status, stored):
    group = Class(hidden=policy).trained("ada", 1, 1)
    found = Check("hidden", stored, "parameters", "9 numbers held in a buffer", "register them", "9 numbers")
    group.entries = [Entrant(verdict("ada", PASSED, found), group.entries[0].run_keys)]
    assert (group.row("ada").status, len(group.row("ada").findings)) == (status, 1)


def test_crash_is_our_fault_and_no_grade():
    row = Class().trained("ada", 0, RunStatus.CRASHED).row("ada")
    assert (row.status, row.place_low, row.accuracy) == (Status.ERRORED, None, None)
    assert row.reason == "training crashed: it was crashed"
    assert row.seeds_done == 1


def test_run_that_is_not_there_is_our_fault():
    row = Class().trained("ada", 0, None).row("ada")
    assert (row.status, row.reason) == (Status.ERRORED, "not all runs are done: grade again")


def test_one_seed_is_provisional_and_has_no_place():
    group = Class(seeds=1).trained("b", 5).trained("a", 9)
    assert [(row.submission, row.status, row.place_low) for row in group.rows()] == [
        ("b", Status.PROVISIONAL, None),
        ("a", Status.PROVISIONAL, None),
    ]
    assert group.row("a").reason == "one seed only"


def test_one_seed_that_ended_badly_has_failed():
    assert Class(seeds=1).trained("a", RunStatus.TIMED_OUT).row("a").status is Status.FAILED


@pytest.mark.parametrize(
    ("checks", "status", "reason"),
    [
        ((PASSED, FAILED), Status.FAILED, "layer C1: 8 filters"),
        ((FAILED, FAILED, PASSED, FAILED), Status.FAILED, "3 checks failed: fix layer C1 first"),
        ((PASSED, ERRORED), Status.ERRORED, "framework: no answer"),
        ((FAILED, ERRORED), Status.ERRORED, "framework: no answer"),
        ((ERRORED, ERRORED), Status.ERRORED, "framework: no answer"),
    ],
)
def test_refused_submission_is_told_with_its_reason(checks, status, reason):
    row = Class().refused("ada", *checks).row("ada")
    assert (row.status, row.reason, row.accuracy, row.place_low) == (status, reason, None, None)
    assert row.checks == checks


def test_rows_are_ranked_then_failed_then_errored_each_by_name():
    group = Class().refused("z", ERRORED).refused("y", FAILED).trained("x", 50, 50).refused("b", ERRORED)
    group.refused("a", FAILED).trained("w", 2, 2).trained("v", 50, 50).trained("c", 3, RunStatus.CRASHED)
    assert [row.submission for row in group.rows()] == ["w", "v", "x", "a", "y", "b", "c", "z"]


def test_twins_name_each_other_and_nobody_else():
    group = Class().trained("a", 1, 1).trained("c", 1, 1).refused("d", FAILED).refused("e", FAILED)
    group.entries += [
        Entrant(verdict("b"), group.entries[0].run_keys),
        Entrant(verdict("f"), group.entries[0].run_keys),
    ]
    assert {row.submission: row.same_as for row in group.rows()} == {
        "a": ("b", "f"),
        "b": ("a", "f"),
        "f": ("a", "b"),
        "c": (),
        "d": (),
        "e": (),
    }


def test_board_of_nobody_has_no_rows():
    assert Class().rows() == ()


RESULTS = st.tuples(*[st.integers(0, 3) | st.sampled_from([*RunStatus, None])] * 2)


@given(st.lists(st.tuples(RESULTS, st.booleans()), max_size=7))
@settings(deadline=None, max_examples=80)
def test_places_follow_the_accuracies_of_ranked_submissions(results):
    group = Class()
    for index, (wrong, is_reference) in enumerate(results):
        wrong = tuple(0 if result is RunStatus.DONE else result for result in wrong)
        group.trained(f"s{index}", *wrong, is_reference=is_reference)
    found = group.rows()
    assert sorted(row.submission for row in found) == sorted(f"s{i}" for i in range(len(results)))
    ranked = [row for row in found if row.place_low is not None]
    for row in ranked:
        assert not row.is_reference
        assert 1 <= row.place_low <= 1 + sum(other.accuracy > row.accuracy for other in ranked)
        assert sum(other.accuracy >= row.accuracy for other in ranked) <= row.place_high <= len(ranked)
    for row in found:
        if row.place_low is None:
            assert row.is_reference or row.status in (Status.FAILED, Status.ERRORED)
    accuracies = [row.accuracy for row in found if row.status is Status.RANKED]
    assert accuracies == sorted(accuracies, reverse=True)


def test_pairs_are_all_ranked_submissions_by_their_positions():
    group = Class().trained("a", 5, 6).trained("lenet5", 60, 61, is_reference=True).trained("b", 90, 100)
    group.trained("c", 100, 90).refused("x", FAILED)
    found = group.standing()
    names = [row.submission for row in found.rows]
    told = {(names[pair.first], names[pair.second]): pair.is_clear for pair in found.pairs}
    assert told == {("a", "b"): True, ("a", "c"): True, ("b", "c"): False}
    assert all(pair.difference.low <= pair.difference.value <= pair.difference.high for pair in found.pairs)
    assert found.pairs[0].difference.value == pytest.approx((95 - 5.5) / IMAGES)


def test_a_large_board_has_no_table_of_pairs():
    group = Class()
    for number in range(61):
        group.trained(f"s{number}", number, number + 1)
    assert group.standing().pairs == () and group.standing().smallest_difference


def test_the_difference_to_the_reference_has_an_interval():
    row = Class().trained("lenet5", 60, 64, is_reference=True).trained("a", 1, 5).row("a")
    found = row.reference_difference
    assert found.value == pytest.approx(0.059) and 0 < found.low < found.value < found.high


def test_mistakes_of_the_references_count_for_the_others_alone():
    group = Class().trained("lenet5", 0, 0, is_reference=True).trained("a", 40, 40).trained("b", 20, 20)
    found = group.standing()
    rows = {row.submission: row for row in found.rows}
    assert sum(map(sum, found.confusion)) == 4 * IMAGES, "two submissions of two seeds, no reference"
    assert [digit.index for digit in found.hardest] == list(range(24)) and found.hardest[0].right == 0
    assert rows["b"].surprises == () and rows["lenet5"].surprises == (), "half of the others are no majority"
    assert {digit.index for digit in rows["a"].surprises} == set(range(20, 32))
    assert found.digits() == set(range(32))


def test_a_row_without_accuracy_shows_no_mistakes():
    group = Class(pretrained="fail").trained("a", 3, 3).trained("b", RunStatus.TIMED_OUT, 3)
    row = group.row("b")
    assert (row.accuracy, row.confusion, row.surprises) == (None, (), ())
    assert [run.status for run in row.runs] == [RunStatus.TIMED_OUT, RunStatus.DONE]


def test_twins_are_compared_once_and_share_their_place():
    alone = Class().trained("a", 5, 30).trained("b", 31, 28).trained("c", 60, 52)
    many = Class().trained("a", 5, 30).trained("b", 31, 28).trained("c", 60, 52)
    for number in range(20):
        many.entries.append(replace(many.entries[1], verdict=verdict(f"twin{number:02}")))
    one, crowd = alone.standing(), many.standing()
    assert crowd.smallest_difference == pytest.approx(one.smallest_difference)
    told = {(p.first, p.second): (p.difference, p.is_clear) for p in crowd.pairs}
    names = [row.submission for row in crowd.rows]
    first, last, twin = names.index("a"), names.index("c"), names.index("twin03")
    alone_names = [row.submission for row in one.rows]
    found = next(p for p in one.pairs if {alone_names[p.first], alone_names[p.second]} == {"a", "c"})
    assert told[first, last] == (found.difference, found.is_clear)
    assert told[names.index("b"), twin] == (Difference(0, 0, 0), False)
    places = many.places()
    assert {places[name] for name in names if name.startswith("twin")} == {places["b"]}
    assert max(high for _, high in places.values()) == 23


def test_a_submission_that_is_the_reference_does_not_differ_from_it():
    group = Class().trained("lenet5", 60, 64, is_reference=True).trained("a", 1, 5)
    group.entries.append(replace(group.entries[0], verdict=verdict("same"), is_reference=False))
    row = group.row("same")
    assert (row.versus_reference, row.reference_difference) == (Versus.UNCLEAR, Difference(0, 0, 0))


def test_a_row_names_twenty_twins_and_its_group():
    group = Class().trained("a", 5, 6).trained("b", 7, 8)
    for number in range(30):
        group.entries.append(replace(group.entries[0], verdict=verdict(f"t{number:02}")))
    rows = {row.submission: row for row in group.rows()}
    assert len(rows["a"].same_as) == len(rows["t29"].same_as) == 20 and "t29" not in rows["t29"].same_as
    assert rows["a"].twin_group == rows["t29"].twin_group == 0 and rows["b"].twin_group is None
