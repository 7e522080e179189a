"""What mattered in runs that are no full grid."""

import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from seedbed.analysis.comparing import compare_settings
from seedbed.analysis.importance import ANOVA, PED_ANOVA, importance
from seedbed.analysis.sentences import importance_sentence
from seedbed.analysis.settings import SettingsCompared, Trial
from seedbed.analysis.variance import noise_share
from seedbed.errors import ArgumentError

KEYS = ["lr", "width", "model"]


def drawn(settings: int, seeds: int, *, lost: int = 0) -> SettingsCompared:
    """Random settings, of which the logarithm of the rate is what matters."""
    random = np.random.default_rng(0)
    trials = []
    for at in range(settings):
        rate = float(10 ** random.uniform(-4, 0))
        setting = (rate, int(random.integers(1, 9)), "ab"[at % 2])
        for seed in range(seeds):
            value = abs(np.log10(rate) + 2) + 0.1 * random.normal()
            status = "diverged" if at < lost else "completed"
            trials.append(Trial(setting, (seed,), status, None if at < lost else value))
    return compare_settings(KEYS, trials, higher=False)


def test_the_key_that_matters_is_first() -> None:
    compared = drawn(40, 2)
    found = importance(compared, ["seed"])
    assert found.method == PED_ANOVA
    assert found.shares[0].keys == ("lr",)
    assert found.shares[0].share > 0.5
    assert {one.keys[0] for one in found.shares} == {*KEYS, "seed"}
    assert sum(one.share for one in found.shares) == pytest.approx(1)
    said = importance_sentence(compared, found)
    assert said.startswith("what mattered (PED-ANOVA, as of ")
    assert "; the seed (noise) has " in said


def test_numbers_that_are_all_different_are_not_taken_for_one_key() -> None:
    random = np.random.default_rng(0)
    trials = [
        Trial((float(10**rate), float(decay)), (seed,), "completed", (rate + 2) ** 2 + seed / 100)
        for rate, decay in zip(random.uniform(-4, 0, 30), random.uniform(0, 1, 30), strict=True)
        for seed in (0, 1)
    ]
    compared = compare_settings(["lr", "decay"], trials, higher=False)
    assert compared.no_variance == "the keys only change together"
    assert importance(compared, ["seed"]).shares[0].keys == ("lr",)


@pytest.mark.parametrize(
    "values",
    [
        [None, 0.9],
        ["bool True", "text a", 3],
        [float("inf"), 1e-3, 1.0],
        [10**400, 1, 2],
        [1e308, -1e308, 0],
        [1e-320, 1.0],
    ],
    ids=["null", "mixed", "infinite", "long", "huge", "tiny"],
)
def test_any_values_are_taken(values: list[Any]) -> None:
    random = np.random.default_rng(0)
    trials = [
        Trial((values[at % len(values)], at % 7), (at // 7,), "completed", random.normal())
        for at in range(60)
    ]
    found = importance(compare_settings(["key", "other"], trials, higher=True), ["seed"])
    assert found.method == PED_ANOVA
    assert all(0 <= one.share <= 1 for one in found.shares)


def test_lost_runs_count_as_the_worst() -> None:
    found = importance(drawn(40, 2, lost=5), ["seed"])
    assert found.why == "10 of 80 runs have no value"
    assert found.shares[0].keys == ("lr",)


@pytest.mark.parametrize("seeds", [1, 3])
def test_few_runs_tell_nothing(seeds: int) -> None:
    compared = drawn(6, seeds)
    with pytest.raises(ArgumentError, match=rf"{6 * seeds} runs are too few; it takes 20"):
        importance(compared, ["seed"])
    said = importance_sentence(compared, "of 2 combinations, 1 have runs; 3 runs are too few")
    assert said.startswith("what mattered: not told, as of 2 combinations")
    assert ("the seed (noise) has" in said) == (seeds > 1)


def test_without_optuna_the_line_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ArgumentError, match=r"pip install 'optuna>=5\.0' tells it by PED-ANOVA"):
        importance(drawn(40, 2), ["seed"])


def test_a_full_grid_needs_no_optuna(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    trials = [Trial((lr,), (seed,), "completed", lr + seed) for lr in (1, 2) for seed in (0, 1)]
    found = importance(compare_settings(["lr"], trials, higher=False), ["seed"])
    assert (found.method, found.noise) == (ANOVA, 0.5)


@pytest.mark.parametrize("scale", [1, 1e200])
def test_the_noise_is_the_residual_of_statsmodels(scale: float) -> None:
    random = np.random.default_rng(0)
    sizes = [1, 2, 5, 3]
    settings = [list(random.normal(at, 1, size)) for at, size in enumerate(sizes)]
    table = pd.DataFrame(
        [(at, value) for at, values in enumerate(settings) for value in values], columns=["s", "y"]
    )
    squares = anova_lm(smf.ols("y ~ C(s)", table).fit())["sum_sq"]
    scaled = [[scale * value for value in values] for values in settings]
    assert noise_share(scaled) == pytest.approx(squares["Residual"] / squares.sum())
    assert noise_share([[1.0], [2.0]]) is None
    assert noise_share([[1.0, 1.0], [1.0]]) is None
