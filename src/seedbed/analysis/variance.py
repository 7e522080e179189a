"""What mattered: which part of the variance of a metric each key of a grid explains.

An analysis of variance of a full, balanced grid is exact: its sums of squares add up to the whole.
What differs within a setting is the seed's, and is called noise.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from seedbed.analysis.intervals import Array, scaled

MOST_KEYS = 12
"""Of a grid; the pairs of more are no table that anybody reads."""

EQUAL = 1e-24
"""Of the squares of the largest value: so small a sum of squares is one of rounding."""


@dataclass(frozen=True)
class Share:
    """A part of the variance.

    Args:
        keys: one key, or two for what they do only together; empty for all that more keys do.
        share: of the whole sum of squares, from 0 to 1.
        by_noise: the share that noise alone would bring it to; None where no seed was swept.
    """

    keys: tuple[str, ...]
    share: float
    by_noise: float | None


@dataclass(frozen=True)
class Variance:
    """The parts of the variance of a metric over a full grid.

    Args:
        shares: of the keys, the pairs and the rest, the largest first.
        noise: the share within the settings; None where each has one run.
        settings: how many there are.
        runs: of each setting.
    """

    shares: list[Share]
    noise: float | None
    settings: int
    runs: int


def noise_share(settings: Sequence[Sequence[float]]) -> float | None:
    """The part of the variance that lies within settings; of any runs, a full grid or not.

    Args:
        settings: the values of each, finite.

    Returns:
        None where no setting has two values, or there is no variance.
    """
    if all(len(values) < 2 for values in settings):
        return None
    scale, every = scaled([value for values in settings for value in values])
    whole = _squares(every - every.mean())
    if whole <= EQUAL * len(every):
        return None
    parts = [np.array(values, dtype=np.float64) / scale for values in settings if values]
    return sum(_squares(part - part.mean()) for part in parts) / whole


class NoFullGrid(ValueError):
    """Why there is no exact analysis."""


def variance_shares(levels: Mapping[str, Sequence[Hashable]], values: Sequence[float]) -> Variance:
    """Splits the variance of values over a grid.

    Args:
        levels: of each key, the setting of each run.
        values: of each run, finite.

    Raises:
        NoFullGrid: if a combination of settings is missing or has more runs than another, if there
            is nothing to compare, or the values do not differ.

    Source: Fisher, Statistical Methods for Research Workers (1925), chapter 7; the shares are
        called eta squared.
    """
    grid = _grid(levels, values)  # (settings of key 1, …, of key k, runs)
    within = grid.shape[-1]
    if within == 1 and grid.ndim == 2:
        raise NoFullGrid("one key differs, and each of its settings has one run")
    whole = _squares(grid - grid.mean())
    if whole <= EQUAL * grid.size:
        raise NoFullGrid("all runs have the same value")
    cells = grid.mean(axis=-1)
    noise = _squares(grid - cells[..., np.newaxis])
    free = grid.size - cells.size
    by_noise = noise / free if free else None
    keys = tuple(levels)
    shares = [
        Share(
            tuple(keys[axis] for axis in axes),
            max(0.0, squares / whole),
            None if by_noise is None else min(1.0, degrees * by_noise / whole),
        )
        for axes, squares, degrees in _effects(cells, within)
    ]
    shares.sort(key=lambda one: -one.share)
    return Variance(shares, noise / whole if free else None, cells.size, within)


def _effects(cells: Array, within: int) -> list[tuple[tuple[int, ...], float, int]]:
    """The axes, the sum of squares and the degrees of freedom of each key, each pair, the rest."""
    centered = cells - cells.mean()
    axes = range(cells.ndim)
    effects: dict[tuple[int, ...], Array] = {(axis,): _marginal(centered, (axis,)) for axis in axes}
    for one, other in combinations(axes, 2):
        both = _marginal(centered, (one, other))
        effects[one, other] = both - effects[one,] - effects[other,]
    found: list[tuple[tuple[int, ...], float, int]] = [
        (on, _squares(np.broadcast_to(effect, cells.shape)) * within, _degrees(cells.shape, on))
        for on, effect in effects.items()
    ]
    if cells.ndim > 2:
        left = _squares(centered - sum(effects.values())) * within
        found.append(((), left, cells.size - 1 - sum(degrees for _, _, degrees in found)))
    return found


def _marginal(centered: Array, on: Sequence[int]) -> Array:
    """The means over all axes but some."""
    others = tuple(axis for axis in range(centered.ndim) if axis not in on)
    mean: Array = centered.mean(axis=others, keepdims=True)
    return mean


def _degrees(shape: Sequence[int], on: Sequence[int]) -> int:
    return math.prod(shape[axis] - 1 for axis in on)


def _squares(values: Array) -> float:
    return float(np.square(values).sum())


def _grid(levels: Mapping[str, Sequence[Hashable]], values: Sequence[float]) -> Array:
    """The values, sorted into the cells of the grid, in units of the largest."""
    if not levels or len(values) < 2:
        raise NoFullGrid("no key but the seed differs")
    if len(levels) > MOST_KEYS:
        raise NoFullGrid(f"{len(levels)} keys differ, more than {MOST_KEYS}")
    codes = [codes_of(column) for column in levels.values()]
    shape = tuple(max(code) + 1 for code in codes)
    size = math.prod(shape)
    if size > len(values):
        raise NoFullGrid(f"of {size} combinations, {len(set(zip(*codes, strict=True)))} have runs")
    cells = np.ravel_multi_index(codes, shape)
    counts = np.bincount(cells, minlength=size)
    if counts.min() == 0:
        raise NoFullGrid(f"of {size} combinations, {np.count_nonzero(counts)} have runs")
    if counts.min() < counts.max():
        raise NoFullGrid(f"settings have from {counts.min()} to {counts.max()} runs with a value")
    _, numbers = scaled(values)
    return numbers[np.argsort(cells, kind="stable")].reshape(*shape, counts[0])


def codes_of(column: Sequence[Hashable]) -> tuple[int, ...]:
    """A number for each setting, in the order in which they first stand."""
    numbers: dict[Hashable, int] = {}
    return tuple(numbers.setdefault(value, len(numbers)) for value in column)
