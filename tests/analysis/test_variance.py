"""Shares of variance are those of statsmodels."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from seedbed.analysis.variance import NoFullGrid, variance_shares


def grid(shape: dict[str, int], seeds: int, *, scale: float = 1.0) -> pd.DataFrame:
    """Random effects of each key, of pairs, of more, and of the seed; in any order of rows."""
    random = np.random.default_rng(len(shape) + seeds)
    codes = list(itertools.product(*map(range, shape.values()), range(seeds)))
    table = pd.DataFrame(codes, columns=[*shape, "seed"])
    cells = random.normal(size=tuple(shape.values()))
    for axis, count in enumerate(shape.values()):
        sizes = [1] * len(shape)
        sizes[axis] = count
        cells = cells + 2 * random.normal(size=sizes)
    table["y"] = scale * (cells.repeat(seeds) + random.normal(size=len(table)))
    return table.sample(frac=1, random_state=1)


@pytest.mark.parametrize(
    ("shape", "seeds"),
    [({"a": 4}, 5), ({"a": 2, "b": 3}, 4), ({"a": 2, "b": 3, "c": 4}, 3), ({"a": 3, "b": 3}, 1)],
    ids=str,
)
@pytest.mark.parametrize("scale", [1, 1e-160, 1e160])
def test_shares_are_those_of_statsmodels(shape: dict[str, int], seeds: int, scale: float) -> None:
    table = grid(shape, seeds)
    names = list(shape)
    if seeds > 1:
        formula = f"y ~ {'*'.join(f'C({name})' for name in names)}"
    else:  # no row is left for a residual: the pair stands in it
        formula = f"y ~ {'+'.join(f'C({name})' for name in names)}"
    squares = anova_lm(smf.ols(formula, table).fit(), typ=2)["sum_sq"]
    expected = {
        tuple(re.findall(r"C\((\w+)\)", term)): value / squares.sum()
        for term, value in squares.items()
        if term != "Residual"
    }
    more = sum(value for keys, value in expected.items() if len(keys) > 2)
    expected = {keys: value for keys, value in expected.items() if len(keys) < 3}
    expected |= {(): more} if len(names) > 2 else {}
    residual = squares["Residual"] / squares.sum()
    if seeds == 1:
        expected[tuple(names)] = residual
    found = variance_shares(
        {name: table[name].tolist() for name in names}, (table["y"] * scale).tolist()
    )
    assert {one.keys: one.share for one in found.shares} == pytest.approx(expected)
    assert found.noise == (pytest.approx(residual) if seeds > 1 else None)
    assert sum(one.share for one in found.shares) + (found.noise or 0) == pytest.approx(1)
    assert [one.share for one in found.shares] == sorted(
        (one.share for one in found.shares), reverse=True
    )


def test_noise_alone_gives_the_share_that_is_told() -> None:
    random = np.random.default_rng(0)
    shape, seeds = {"a": 5, "b": 3}, 4
    codes = list(itertools.product(range(5), range(3), range(seeds)))
    levels = {name: [code[at] for code in codes] for at, name in enumerate(shape)}
    got, told = [], []
    for _ in range(300):
        found = variance_shares(levels, random.normal(size=len(codes)).tolist())
        got.append({one.keys: one.share for one in found.shares})
        told.append({one.keys: one.by_noise for one in found.shares})
    for keys in got[0]:
        means = [np.mean([one[keys] for one in some]) for some in (got, told)]
        assert means[0] == pytest.approx(means[1], abs=0.02)


def drop(table: pd.DataFrame, **settings: int) -> pd.DataFrame:
    return table[~(table[list(settings)] == pd.Series(settings)).all(axis=1)]


WHOLE = grid({"a": 2, "b": 3}, 2)


@pytest.mark.parametrize(
    ("table", "keys", "match"),
    [
        (drop(WHOLE, a=1, b=2), ["a", "b"], "of 6 combinations, 5 have runs"),
        (drop(WHOLE, a=1, b=2, seed=0), ["a", "b"], "settings have from 1 to 2 runs"),
        (WHOLE[WHOLE["a"] == WHOLE["b"]], ["a", "b"], "of 4 combinations, 2 have runs"),
        (WHOLE.assign(y=0.1), ["a", "b"], "the same value"),
        (WHOLE.assign(y=0.0), ["a", "b"], "the same value"),
        (WHOLE[(WHOLE["a"] == 0) & (WHOLE["seed"] == 0)], ["b"], "each of its settings has one"),
        (WHOLE, [], "no key but the seed"),
        (WHOLE.assign(**{f"k{n}": 1 for n in range(13)}), [f"k{n}" for n in range(13)], "13 keys"),
    ],
    ids=["missing", "unequal", "diagonal", "equal", "zero", "one run", "no keys", "keys"],
)
def test_what_is_no_full_grid_is_refused(table: pd.DataFrame, keys: list[str], match: str) -> None:
    levels = {key: table[key].tolist() for key in keys}
    with pytest.raises(NoFullGrid, match=match):
        variance_shares(levels, table["y"].tolist())
