"""More than a grid: lists of settings, settings taken together, exclusions and random draws.

Everything here turns into overrides, so that a job of any kind is composed and named like another.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from seedbed.config.hints import counted
from seedbed.config.overrides import Settings, overrides_of
from seedbed.data.seeds import stream_seed
from seedbed.errors import ConfigError


@dataclass(frozen=True)
class Expanded:
    """The jobs that were asked for.

    Args:
        jobs: the overrides of each.
        notes: on exclusions that leave out none, for the user.
    """

    jobs: list[list[str]]
    notes: tuple[str, ...] = ()


def expanded(
    grid: Sequence[list[str]], sweep: Settings, read: Callable[[str], tuple[str, Any]]
) -> Expanded:
    """The overrides of every job.

    Args:
        grid: of each job that the command line asks for.
        sweep: the group `sweep`: `settings`, `zip`, `draw`, `draws`, `draw_seed`, `exclude`.
        read: gives the key and the value of an override, which may be written in several ways.

    Returns:
        Each job of the grid with each of the settings, each of the zipped ones and each draw; less
        the excluded.

    Raises:
        ConfigError: if a setting is not of its type, zipped lists are empty or differ in length, a
            range is no range, or nothing is left.
    """
    _refuse_wrong_types(sweep)
    axes = [
        [list(job) for job in grid],
        [overrides_of(one) for one in sweep["settings"]] or [[]],
        list(_zipped(sweep["zip"] or {})) or [[]],
        list(_drawn(sweep["draw"] or {}, sweep["draws"], sweep["draw_seed"])) or [[]],
    ]
    jobs = [[override for part in chosen for override in part] for chosen in product(*axes)]
    return _without_excluded(jobs, sweep["exclude"], read) if sweep["exclude"] else Expanded(jobs)


def _without_excluded(
    jobs: Sequence[list[str]], exclude: Sequence[Settings], read: Callable[[str], tuple[str, Any]]
) -> Expanded:
    read = cache(read)
    idle = dict(enumerate(exclude))
    kept = []
    for job in jobs:
        values = dict(map(read, job))  # the last override of a key holds
        matching = [n for n, one in enumerate(exclude) if _has_all(values, one)]
        for number in matching:
            idle.pop(number, None)
        if not matching:
            kept.append(job)
    if not kept:
        raise ConfigError(f"sweep.exclude leaves none of {counted(len(jobs), 'job')}")
    notes = [
        f"sweep.exclude: no job sets {' and '.join(overrides_of(one))}, so none is left out for it"
        for one in idle.values()
    ]
    return Expanded(kept, tuple(notes))


def _has_all(values: Settings, wanted: Settings) -> bool:
    return all(key in values and _same(values[key], one) for key, one in wanted.items())


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same to a config: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _refuse_wrong_types(sweep: Settings) -> None:
    """The schema has not seen them yet: they are what makes the jobs that it checks."""
    for key in ("settings", "exclude"):
        given = sweep[key]
        if not isinstance(given, list) or not all(isinstance(one, Mapping) for one in given):
            raise ConfigError(f"sweep.{key} must be a list of mappings, got {given}")
    for key in ("zip", "draw"):
        if not isinstance(sweep[key], Mapping | None):
            raise ConfigError(f"sweep.{key} must be a mapping of keys to values, got {sweep[key]}")
    for key, least in (("draws", 1), ("draw_seed", 0)):
        given = sweep[key]
        if not isinstance(given, int) or isinstance(given, bool) or given < least:
            raise ConfigError(f"sweep.{key} must be a whole number >= {least}, got {given!r}")


def _zipped(lists: Mapping[str, Sequence[Any]]) -> Iterator[list[str]]:
    for key, values in lists.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"sweep.zip.{key} must be a list of values, got {values}")
    lengths = {key: len(values) for key, values in lists.items()}
    if len(set(lengths.values())) > 1:
        lengths_text = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise ConfigError(f"sweep.zip: the lists must be as long as one another: {lengths_text}")
    for values in zip(*lists.values(), strict=True):
        yield overrides_of(dict(zip(lists, values, strict=True)))


def _drawn(ranges: Mapping[str, Any], number: int, seed: int) -> Iterator[list[str]]:
    """Settings drawn at random; the n-th draw is a pure function of the seed and n."""
    if not ranges:
        return
    for index in range(number):
        random = np.random.default_rng(stream_seed(seed, "draw", index))
        yield overrides_of({key: _one(key, spec, random) for key, spec in ranges.items()})


def _one(key: str, spec: Any, random: np.random.Generator) -> Any:
    if isinstance(spec, list) and spec:
        return spec[int(random.integers(len(spec)))]
    known = {"low", "high", "log"}
    if not isinstance(spec, Mapping) or not {"low", "high"} <= set(spec) <= known:
        raise ConfigError(
            f"sweep.draw.{key} must be a list of values, or {{low: …, high: …, log: true}}, "
            f"got {spec}"
        )
    low, high, log = spec["low"], spec["high"], spec.get("log", False)
    numbers = all(isinstance(n, int | float) and not isinstance(n, bool) for n in (low, high))
    if not numbers or low >= high or (log and low <= 0):
        raise ConfigError(f"sweep.draw.{key}: low must be a number below high (above 0 with log)")
    whole = isinstance(low, int) and isinstance(high, int)
    if log:
        drawn = float(np.exp(random.uniform(np.log(low), np.log(high + whole))))
    else:
        drawn = float(random.uniform(low, high + whole))
    return min(int(drawn), high) if whole else drawn
