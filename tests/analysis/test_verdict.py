"""How often a verdict is right, over sweeps whose truth is known."""

import numpy as np
import pytest

from seedbed.analysis.permutation import smallest_p
from seedbed.analysis.verdict import LEVEL, Verdict, seeds_needed, verdict

SEEDS = 10


def best_against_next(means: list[float], random: np.random.Generator) -> tuple[int, Verdict]:
    """The number of the best setting of a sweep, and what is said of it; lower is better."""
    values = np.array(means)[:, None] + random.normal(size=(len(means), SEEDS))
    best, following = np.argsort(values.mean(axis=1))[:2]
    return int(best), verdict(values[best], values[following], higher=False)


def times_better(means: list[float], repetitions: int = 1000) -> int:
    """Sweeps in which the first setting is said to be the best, of settings with a deviation of 1.

    For equal settings: in which any is.
    """
    random = np.random.default_rng(1)
    found = [best_against_next(means, random) for _ in range(repetitions)]
    equal = len(set(means)) == 1
    return sum(said.is_better and (equal or best == 0) for best, said in found)


def test_two_names_of_one_thing_are_not_shown_to_differ() -> None:
    """In at least 95 of 100 sweeps; of the first hundred, and of a thousand."""
    assert times_better([0, 0], 100) <= 5
    assert times_better([0, 0]) <= 50


def test_two_standard_deviations_are_shown() -> None:
    assert times_better([-2, 0], 100) >= 95
    assert times_better([-2, 0]) >= 950


def test_the_best_of_many_equal_settings_is_not_shown_to_be_better() -> None:
    """It was chosen on the same data; so was the next, which is why the two are close."""
    assert times_better([0] * 20) <= 5


def test_one_of_two_equal_best_settings_is_not_shown_to_be_better() -> None:
    assert times_better([0, 0, *[3] * 18]) <= 50


@pytest.mark.parametrize("higher", [True, False])
def test_the_direction_is_the_metrics(higher: bool) -> None:
    random = np.random.default_rng(0)
    large, small = 3 + random.normal(size=(2, SEEDS)) * [[1], [1]] + [[3], [0]]
    first, second = (large, small) if higher else (small, large)
    assert verdict(first, second, higher=higher).words == "better"
    assert verdict(second, first, higher=higher).words == "not shown"
    assert verdict(first, second, higher=higher).superiority > 0.9


def test_seeds_that_move_both_alike_hide_nothing() -> None:
    random = np.random.default_rng(0)
    first = random.normal(size=SEEDS)
    said = verdict(first, first + 0.05 + 0.01 * random.normal(size=SEEDS), higher=False)
    assert said.is_better
    assert said.difference == pytest.approx(-0.05, abs=0.01)
    assert said.superiority == pytest.approx(0.5, abs=0.1)  # of runs with different seeds


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_few_seeds_are_said_to_be_few(n: int) -> None:
    said = verdict(np.zeros(n), np.full(n, 100) + np.arange(n), higher=False)
    assert said.words == f"not shown: needs 6 seeds or more, has {n}"
    assert said.p == smallest_p(n) > LEVEL
    assert (said.interval is None) == (n == 1)


def test_six_seeds_can_be_enough() -> None:
    assert seeds_needed() == 6
    assert smallest_p(6) <= LEVEL < smallest_p(5)
    assert seeds_needed(0.001) == 11
    assert seeds_needed(2**-7) == 8
    assert verdict(np.zeros(6), np.arange(1, 7), higher=False).is_better


def test_a_small_difference_needs_a_smaller_p() -> None:
    seeds = np.random.default_rng(0).normal(size=12)
    for n, words in ((7, "not shown"), (12, "better")):  # all n are ahead, by little
        said = verdict(seeds[:n], seeds[:n] + 0.01, higher=False)
        assert (said.words, said.p) == (words, smallest_p(n))
        assert said.superiority < 0.75


def test_without_common_seeds_nothing_is_said() -> None:
    said = verdict(np.array([]), np.array([]), higher=True)
    assert said.words == "not shown: no seed at which both have a value"
    assert (said.n, said.difference, said.p, said.interval) == (0, None, None, None)


def test_rounding_is_no_difference() -> None:
    values = np.random.default_rng(0).lognormal(size=SEEDS).astype(np.float32)
    above = np.nextafter(values, np.float32(np.inf))
    said = verdict(values, above, higher=False)
    assert (said.words, said.equal, said.p, said.interval) == ("not shown", True, 1.0, None)
    assert verdict(values, values * 1.0001, higher=False).is_better


def test_a_constant_difference_needs_no_interval() -> None:
    said = verdict(np.arange(8.0), np.arange(8.0) + 1, higher=False)
    assert (said.words, said.interval, said.difference) == ("better", None, -1)


def test_huge_values_are_compared() -> None:
    said = verdict(np.full(6, 1e308), -np.arange(1, 7) * 1e307, higher=True)
    assert said.is_better
    assert np.isfinite(said.difference)
