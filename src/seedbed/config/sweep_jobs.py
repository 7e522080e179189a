"""The jobs of a sweep, composed and checked before any starts.

Hydra composes once for each distinct choice of groups; a job's plain values are then put into a
copy of that, which is what Hydra does with them too. Anything else goes to Hydra.
"""

import copy
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.core.utils import filter_overrides
from omegaconf import DictConfig, OmegaConf, open_dict

from seedbed.config.compose import COMPOSITION_ERRORS, Composed, from_hydra, from_parts, job_part
from seedbed.config.explain import explained
from seedbed.errors import ConfigError

MOST_PROBLEMS = 20
"""Mistakes told of one sweep; the rest are counted."""


class JobComposer:
    """Composes the jobs of one sweep.

    Args:
        loader: Hydra's.
        sweep: the config of the whole sweep.
    """

    def __init__(self, loader: ConfigLoader, sweep: DictConfig) -> None:
        self.loader = loader
        self.sweep = sweep
        self.parser = OverridesParser.create(config_loader=loader)
        self._parsed: dict[str, Override] = {}
        self._bases: dict[tuple[str, ...], tuple[DictConfig, DictConfig]] = {}

    def composed(self, number: int, words: Sequence[str]) -> Composed:
        """One job, as Hydra would compose it.

        Raises:
            ConfigError: if it does not compose, or does not fit the schema.
        """
        overrides = [self._read(word) for word in words]
        values = [one for one in overrides if self._is_plain_value(one)]
        choices = [one for one in overrides if not self._is_plain_value(one)]
        if all(self._is_choice(one) for one in choices):
            whole, base = self._base([str(one.input_line) for one in choices])
            keys = [one.key_or_group for one in values]
            if all(OmegaConf.select(base, key, default=base) is not base for key in keys):
                job = copy.deepcopy(base)
                for one in values:
                    OmegaConf.update(job, one.key_or_group, one.value(), merge=True)
                return from_parts(job, whole, list(filter_overrides(words)), number)
        return self._by_hydra(number, words)

    def _by_hydra(self, number: int, words: Sequence[str]) -> Composed:
        config = self.loader.load_sweep_config(self.sweep, list(words))
        with open_dict(config):
            config.hydra.job.id = str(number)
            config.hydra.job.num = number
        return from_hydra(config)

    def _base(self, choices: list[str]) -> tuple[DictConfig, DictConfig]:
        key = tuple(choices)
        if key not in self._bases:
            config = self.loader.load_sweep_config(self.sweep, choices)
            HydraConfig.instance().set_config(config)
            self._bases[key] = (config, job_part(config))
        return self._bases[key]

    def _read(self, word: str) -> Override:
        if word not in self._parsed:
            self._parsed[word] = self.parser.parse_override(word)
        return self._parsed[word]

    def _is_choice(self, override: Override) -> bool:
        """Whether it chooses an option of a group, or is Hydra's own."""
        key = override.key_or_group
        return override.type is OverrideType.CHANGE and (
            key.startswith("hydra.") or bool(self.loader.get_group_options(key))
        )

    def _is_plain_value(self, override: Override) -> bool:
        """Whether it sets a key that is there to a number, a text, a list or null."""
        return (
            override.type is OverrideType.CHANGE
            and override.package is None
            and not self._is_choice(override)
            and not isinstance(override.value(), dict)
            and "${" not in str(override.input_line)
        )


def composed_jobs(
    loader: ConfigLoader, sweep: DictConfig, job_overrides: Sequence[Sequence[str]]
) -> list[Composed]:
    """Every job's config.

    Args:
        loader: Hydra's.
        sweep: the config of the whole sweep.
        job_overrides: of each job.

    Raises:
        ConfigError: with the mistakes of every job, each named by its number and overrides.
    """
    composer = JobComposer(loader, sweep)
    jobs: list[Composed] = []
    problems: list[str] = []
    for number, overrides in enumerate(job_overrides):
        words = list(overrides)
        try:
            jobs.append(composer.composed(number, words))
        except ConfigError as err:
            problems += list(_named(number, words, err))
        except COMPOSITION_ERRORS as err:
            problems += list(_named(number, words, explained(err, words, "config")))
    if problems:
        raise ConfigError(*cut(problems))
    return jobs


def cut(problems: list[str]) -> list[str]:
    """The first of many problems, and how many more there are."""
    more = len(problems) - MOST_PROBLEMS
    return [*problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else [])]


def sweep_directory(sweep: DictConfig) -> Path:
    """Where the sweep goes."""
    HydraConfig.instance().set_config(sweep)
    return Path(str(OmegaConf.select(sweep, "hydra.sweep.dir")))


def sweep_settings(sweep: DictConfig) -> dict[str, Any]:
    """The group `sweep` of the whole sweep's config, in plain containers."""
    settings: Any = OmegaConf.to_container(sweep.sweep, resolve=True)
    return {str(key): value for key, value in settings.items()}


def _named(number: int, words: Sequence[str], error: ConfigError) -> Iterator[str]:
    shown = " ".join(filter_overrides(words))
    for line in error.problems:
        yield f"job {number} ({shown}): {line}"
