"""Settings over their seeds: which stands first, and what happens to runs without a value."""

import itertools
import math
import random
from typing import Any

import numpy as np
import pytest

from seedbed.analysis.comparing import DifferentRows, compare_settings, moved_together
from seedbed.analysis.multiple import holm
from seedbed.analysis.sentences import remarks, variance_sentence, verdict_sentence
from seedbed.analysis.settings import SettingsCompared, Trial

GOOD, BAD = ("good",), ("bad",)


def trials(setting: tuple[str, ...], values: list[Any], first: int = 0) -> list[Trial]:
    """A run for each value; a text is a status."""
    return [
        Trial(setting, first + at, value if isinstance(value, str) else "completed", None)
        if isinstance(value, str)
        else Trial(setting, first + at, "completed", value)
        for at, value in enumerate(values)
    ]


def compared(*groups: list[Trial], higher: bool = False) -> SettingsCompared:
    return compare_settings(["lr"], [one for group in groups for one in group], higher=higher)


def names(found: SettingsCompared) -> list[Any]:
    return [one.setting[0] for one in found.settings]


def said(found: SettingsCompared) -> list[str]:
    labels = {one.setting: {"lr": one.setting[0]} for one in found.settings}
    told = [verdict_sentence(found, labels, "val/loss")]
    return [*told, *remarks(found, labels, "val/loss", ["seed"])]


def normal(mean: float, n: int = 10, seed: int = 0) -> list[float]:
    return np.random.default_rng(seed).normal(mean, 0.1, n).tolist()


@pytest.mark.parametrize("higher", [True, False])
def test_the_best_mean_stands_first(higher: bool) -> None:
    found = compared(trials(GOOD, normal(1)), trials(BAD, normal(2, seed=1)), higher=not higher)
    assert names(found) == (["bad", "good"] if not higher else ["good", "bad"])
    assert found.verdict is not None
    assert found.verdict.is_better


@pytest.mark.parametrize(
    "lost", ["diverged", "failed", math.nan, math.inf, None], ids=["diverged", "failed", *"nif"]
)
def test_runs_that_are_lost_speak_against_their_setting(lost: Any) -> None:
    """The half that is left has the better mean, and does not win by it."""
    half = normal(1, 5)
    found = compared(trials(BAD, [*half, *[lost] * 5]), trials(GOOD, normal(2)))
    assert names(found) == ["good", "bad"]
    told = said(found)
    why = lost if isinstance(lost, str) else "completed without a finite value"
    assert f"without val/loss: 5 {why}; 1 setting stands behind the others" in told[1]
    assert told[2].startswith("lr=bad stands behind, though 5 of its 10 runs have a value")
    assert found.verdict is not None
    assert not found.verdict.is_better  # on the seeds that both have, it is worse
    assert found.variance is None
    assert found.no_variance == "5 of 20 runs have no value"


@pytest.mark.parametrize("status", ["running", "interrupted", "pending"])
def test_runs_that_have_not_ended_speak_for_nothing(status: str) -> None:
    found = compared(trials(GOOD, [*normal(1, 8), status, status]), trials(BAD, normal(2)))
    assert names(found) == ["good", "bad"]
    assert found.verdict is not None
    assert (found.verdict.n, found.verdict.words) == (8, "better")
    assert said(found)[1] == f"without val/loss: 2 {status}"
    assert "on those in common" in said(found)[2]


def test_runs_of_which_no_epoch_has_ended_have_no_metric_to_name() -> None:
    found = compared(trials(GOOD, ["running"] * 2))
    labels = {one.setting: {"lr": one.setting[0]} for one in found.settings}
    assert [*remarks(found, labels, "", ["seed"])] == ["without a value: 2 running"]


def test_a_setting_without_any_value_stands_last_and_is_told() -> None:
    found = compared(trials(("dead",), ["diverged"] * 3), trials(GOOD, normal(1, 3)))
    assert names(found) == ["good", "dead"]
    assert found.settings[1].mean is None
    assert found.verdict is not None
    assert found.verdict.words == "not shown: no seed at which both have a value"
    verdict = f"verdict: {found.verdict.words}: lr=good against the next, lr=dead"
    assert said(found)[0] == verdict


def test_nothing_has_a_value() -> None:
    found = compared(trials(GOOD, ["failed"]), trials(BAD, ["running"]))
    assert [one.mean for one in found.settings] == [None, None]
    assert found.deceptive == []


def test_settings_are_paired_on_common_seeds() -> None:
    shift = np.arange(12.0)
    first, second = shift[:8].tolist(), (shift[4:] + 0.5).tolist()
    found = compared(trials(GOOD, first), trials(BAD, second, first=4))
    assert found.verdict is not None
    assert (found.verdict.n, found.verdict.difference) == (4, -0.5)
    assert "not all settings have values of the same seeds" in said(found)[1]


def test_the_same_setting_and_seed_counts_once() -> None:
    older = trials(GOOD, [9.0, 9.0])
    newer = [Trial(GOOD, 0, "completed", 1.0), Trial(GOOD, 1, "running", None)]
    found = compared([*newer, *older])
    assert dict(found.settings[0].values) == {0: 1.0, 1: 9.0}  # what runs has no value yet
    assert found.repeated == 2
    assert "2 runs repeat a setting and seed" in said(found)[1]


def test_the_order_of_runs_changes_nothing() -> None:
    some = [*trials(GOOD, normal(1)), *trials(BAD, normal(1.01, seed=1))]
    before = compared(some)
    random.Random(0).shuffle(some)
    after = compared(some)
    for one, other in zip(after.settings, before.settings, strict=True):
        assert (one.mean, one.std, one.interval) == (other.mean, other.std, other.interval)
    assert after.verdict == before.verdict


def test_one_seed_each_says_what_cannot_be_said() -> None:
    found = compared(trials(GOOD, [1.0]), trials(BAD, [2.0]))
    assert said(found)[0].startswith("verdict: not shown: needs 6 seeds or more, has 1: lr=good")
    assert (found.settings[0].std, found.settings[0].interval) == (None, None)


def test_few_seeds_have_too_narrow_intervals() -> None:
    told = said(compared(trials(GOOD, [1.0, 1.1, 1.3]), trials(BAD, [2.0, 2.2, 2.1])))
    assert told[1].startswith(
        "a 95 % interval of 3 seeds is too narrow: it holds the mean in 73 of 100"
    )


def test_long_settings_are_told_by_what_differs() -> None:
    keys = [f"some_group.some_key_{n}" for n in range(6)]
    groups = [trials((0.5, "x" * 20, 3, rate, 5, 6), normal(rate)) for rate in (1.0, 2.0)]
    found = compare_settings(keys, [one for group in groups for one in group], higher=False)
    labels = {one.setting: dict(zip(keys, one.setting, strict=True)) for one in found.settings}
    told = verdict_sentence(found, labels, "val/loss").splitlines()[0]
    assert (
        told == "verdict: better: some_group.some_key_3=1 against the next, some_group.some_key_3=2"
    )


def test_two_names_of_one_thing_are_said_to_be_the_same() -> None:
    values = normal(1)
    told = said(compared(trials(("mse",), values), trials(("MSELoss",), values)))
    assert told[0].startswith("verdict: not shown: lr=MSELoss against the next, lr=mse\n")
    assert told[0].endswith("10 seeds in common: val/loss the same on every one")


def test_the_others_are_corrected_for_their_number() -> None:
    found = compared(*(trials((f"{n}",), normal(1 + n / 50, seed=n)) for n in range(6)))
    others = found.against_best
    assert [one.p_corrected for one in others] == holm([one.p for one in others])
    assert max(one.p_corrected / one.verdict.p for one in others) == 5
    assert [one.p for one in others] == [one.verdict.p for one in others]
    assert found.verdict == others[0].verdict


def test_runs_of_one_seed_on_different_rows_are_refused() -> None:
    with pytest.raises(DifferentRows):
        compared([Trial(GOOD, 0, "completed", 1.0, "a"), Trial(BAD, 0, "completed", 1.0, "b")])


def test_keys_that_move_together_are_one_key() -> None:
    columns = {"lr": [1, 1, 2, 2], "epochs": [9, 9, 5, 5], "model": ["a", "b", "a", "b"]}
    assert list(moved_together(columns)) == ["lr + epochs", "model"]
    some = [
        Trial((lr, 10 * lr, model), seed, "completed", lr + seed / 100)
        for lr, model, seed in itertools.product((1, 2), "ab", (0, 1))
    ]
    found = compare_settings(["lr", "epochs", "model"], some, higher=False)
    assert found.variance is not None
    told = variance_sentence(found.variance)
    assert told == (
        "what mattered: lr + epochs 100 %, 2 others together 0.0 %, the seed (noise) 0.0 %"
    )


def test_without_swept_seeds_their_noise_is_said_to_be_everywhere() -> None:
    some = [Trial((a, b), 0, "completed", a + b) for a in (1, 2) for b in (1, 3)]
    found = compare_settings(["a", "b"], some, higher=False)
    assert found.variance is not None
    assert variance_sentence(found.variance) == (
        "what mattered: b 80 %, a 20 %, 1 other 0.0 %, "
        "the seed was not swept, and its noise is in all of them"
    )
