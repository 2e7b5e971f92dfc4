"""Order of work and the time left, with simulated durations: no clock of the machine is read."""

import heapq
import random
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli.progress import shown_progress
from harness.experiments.forecast import OVERHEAD_MACS, Forecast
from harness.experiments.training import order_runs

LENET = 416_520


def a_class(chance, submissions=100, seeds=3):
    """Most are LeNet-5, in two frameworks of different speed; a few are much larger or smaller."""
    runs = []
    for number in range(submissions):
        macs = LENET if chance.random() < 0.7 else int(chance.choice([165_120, 1_737_920, 5_950_120]))
        kind = chance.choice(["torch", "tensorflow"])
        runs += [SimpleNamespace(key=f"{number}/{seed}", seed=seed, macs=macs, framework=kind) for seed in range(seeds)]
    return runs


def duration(run, chance, noise):
    """Seconds of three epochs, as measured: a fixed share for each image and one for its multiply-accumulates."""
    fixed, rate = {"torch": (20.0, 16e-6), "tensorflow": (19.0, 14e-6)}[run.framework]
    return (fixed + rate * run.macs) * chance.uniform(1 - noise, 1 + noise)


def simulate(runs, workers, seconds, shares=(0.1,)):
    """Time left as forecast and as it was, after each share of the runs."""
    forecast = Forecast({run.key: (run.framework, run.macs) for run in runs}, workers)
    now, waiting, busy, asked, ended = 0.0, list(runs), [], [], 0
    while waiting or busy:
        while waiting and len(busy) < workers:
            run = waiting.pop(0)
            forecast.begin(run.key, now)
            heapq.heappush(busy, (now + seconds[run.key], run.key))
        now, key = heapq.heappop(busy)
        forecast.end(key, now)
        ended += 1
        if any(ended == max(1, int(share * len(runs))) for share in shares):
            asked.append((now, forecast.left(now)))
    return [(left, now - at) for at, left in asked], now


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 8), st.sampled_from([0.0, 0.1, 0.25]))
def test_time_left_is_right_within_a_fifth_after_a_tenth_of_the_work(seed, workers, noise):
    chance = random.Random(seed)
    runs = order_runs(a_class(chance))
    seconds = {run.key: duration(run, chance, noise) for run in runs}
    for left, true in simulate(runs, workers, seconds, (0.1, 0.3, 0.6))[0]:
        assert left == pytest.approx(true, rel=0.2)


def test_counting_runs_would_not_do():
    chance = random.Random(1)
    runs = order_runs(a_class(chance))
    seconds = {run.key: duration(run, chance, 0) for run in runs}
    tenth = len(runs) // 10
    elapsed, whole = sum(seconds[run.key] for run in runs[:tenth]), sum(seconds.values())
    assert elapsed / tenth * (len(runs) - tenth) > 1.5 * (whole - elapsed)


def test_nothing_is_told_before_a_run_has_ended():
    forecast = Forecast({"a": ("torch", LENET), "b": ("torch", LENET)}, 1)
    forecast.begin("a", 0.0)
    assert forecast.left(5.0) is None
    forecast.end("a", 10.0)
    assert forecast.left(10.0) == pytest.approx(10.0)
    forecast.begin("b", 10.0)
    assert forecast.left(14.0) == pytest.approx(6.0)
    assert forecast.left(99.0) == 0.0


def test_a_run_that_diverged_at_once_says_nothing_of_the_others():
    forecast = Forecast(dict.fromkeys("abc", ("torch", LENET)), 1)
    for name, start, end in (("a", 0.0, 1.0), ("b", 1.0, 11.0)):
        forecast.begin(name, start)
        forecast.end(name, end, is_typical=name != "a")
    assert forecast.left(11.0) == pytest.approx(10.0)


def test_a_framework_that_was_not_seen_yet_is_as_fast_as_the_other():
    forecast = Forecast({"a": ("torch", 0), "b": ("tensorflow", OVERHEAD_MACS)}, 1)
    forecast.begin("a", 0.0)
    forecast.end("a", 3.0)
    assert forecast.left(3.0) == pytest.approx(6.0)


def test_every_submission_has_a_first_result_before_any_has_a_second():
    runs = order_runs(a_class(random.Random(3)))
    assert [run.seed == 0 for run in runs] == [True] * 100 + [False] * 200


def test_the_longest_runs_are_not_the_last():
    runs = order_runs(a_class(random.Random(3)))
    for part in (runs[:100], runs[100:]):
        assert [run.macs for run in part] == sorted((run.macs for run in part), reverse=True)


def test_workers_end_nearly_together():
    chance = random.Random(5)
    runs = order_runs(a_class(chance))
    seconds = {run.key: duration(run, chance, 0.1) for run in runs}
    _, taken = simulate(runs, 2, seconds)
    assert sum(seconds.values()) / taken > 1.9


def test_a_log_tells_the_time_left(capsys):
    with shown_progress() as progress:
        progress.start("Training", 2)
        progress.step(65.4)
        progress.step(0.0)
    assert capsys.readouterr().err.splitlines() == [
        "Training: 2",
        "Training: 1 of 2, about 0:01:05 left",
        "Training: 2 of 2",
    ]
