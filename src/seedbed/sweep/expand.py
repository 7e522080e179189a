"""More than a grid: lists of settings, settings taken together, exclusions and random draws.

Everything here turns into overrides, so that a job of any kind is composed and named like another.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np

from seedbed.config.overrides import Settings, Words, words_of
from seedbed.data.seeds import stream_seed
from seedbed.errors import ConfigError


def expanded(grid: Sequence[Words], sweep: Settings) -> list[Words]:
    """The overrides of every job.

    Args:
        grid: of each job that the command line asks for.
        sweep: the group `sweep`: `settings`, `zip`, `draw`, `draws`, `draw_seed`, `exclude`.

    Returns:
        Each job of the grid with each of the settings, each of the zipped ones and each draw; less
        the excluded.

    Raises:
        ConfigError: if a setting is not of its type, zipped lists are empty or differ in length, a
            range is no range, or nothing is left.
    """
    _refuse_wrong_types(sweep)
    parts = [
        [list(job) for job in grid],
        [words_of(one) for one in sweep["settings"]] or [[]],
        list(_zipped(sweep["zip"] or {})) or [[]],
        list(_drawn(sweep["draw"] or {}, sweep["draws"], sweep["draw_seed"])) or [[]],
    ]
    jobs = [[word for part in parts_ for word in part] for parts_ in product(*parts)]
    excluded = [set(words_of(one)) for one in sweep["exclude"]]
    kept = [job for job in jobs if not _excludes(excluded, job)]
    if not kept:
        raise ConfigError(f"sweep.exclude leaves none of {len(jobs)} jobs")
    return kept


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


def _excludes(excluded: Sequence[set[str]], job: Words) -> bool:
    words = set(job) if excluded else set()
    return any(one <= words for one in excluded)


def _zipped(lists: Mapping[str, Sequence[Any]]) -> Iterator[Words]:
    for key, values in lists.items():
        if not isinstance(values, list) or not values:
            raise ConfigError(f"sweep.zip.{key} must be a list of values, got {values}")
    lengths = {key: len(values) for key, values in lists.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} has {length}" for key, length in lengths.items())
        raise ConfigError(f"sweep.zip: the lists must be as long as one another: {told}")
    for values in zip(*lists.values(), strict=True):
        yield words_of(dict(zip(lists, values, strict=True)))


def _drawn(ranges: Mapping[str, Any], number: int, seed: int) -> Iterator[Words]:
    """Settings drawn at random; the n-th draw is a pure function of the seed and n."""
    if not ranges:
        return
    for index in range(number):
        random = np.random.default_rng(stream_seed(seed, "draw", index))
        yield words_of({key: _one(key, spec, random) for key, spec in ranges.items()})


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
