"""The jobs of a sweep, composed and checked before any starts.

Hydra composes once for each distinct choice of groups; a job's plain values are then put into a
copy of that, which is what Hydra does with them too. Anything else goes to Hydra.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import filter_overrides
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from seedbed.compose.compose import ConfigSource, from_hydra, hydra_part, refuse_unfounded
from seedbed.compose.composed import ComposedConfig, selected
from seedbed.compose.explain import explained
from seedbed.compose.hydra_errors import COMPOSITION_ERRORS, STUMBLES
from seedbed.compose.hydra_keys import refuse_too_late, refuse_unobeyed
from seedbed.compose.job_overrides import JobOverride, OverrideReader
from seedbed.compose.patching import Base
from seedbed.config.check import CheckedGroups, checked
from seedbed.config.hints import cut
from seedbed.config.idle_keys import notes_on_idle
from seedbed.config.key_paths import Path as KeyPath
from seedbed.config.options import fitted_to_classes
from seedbed.errors import ConfigError
from seedbed.remote.places import output_place

MULTIRUN = "hydra.mode=MULTIRUN"

MOST_BASES = 1000
"""Configs kept to patch; each holds some 100 kB."""


class JobComposer:
    """Composes the jobs of one sweep.

    Args:
        loader: Hydra's.
        sweep: the config of the whole sweep.
    """

    def __init__(self, loader: ConfigLoader, sweep: DictConfig) -> None:
        self.loader = loader
        self.sweep = sweep
        self.hydra = hydra_part(sweep)
        self.read = OverrideReader(loader)
        self.groups = CheckedGroups()
        self._bases: dict[tuple[str, ...], Base] = {}
        self._refused: dict[tuple[tuple[str, ...], tuple[KeyPath | None, ...]], ConfigError] = {}

    def composed(self, number: int, texts: Sequence[str]) -> ComposedConfig:
        """One job, as Hydra would compose it.

        Raises:
            ConfigError: if it does not compose, or does not fit the schema.
        """
        try:
            overrides = [self.read(text) for text in texts]
        except COMPOSITION_ERRORS as err:
            raise explained(err, texts, "config") from err
        kind = (
            tuple(override.text for override in overrides if not override.plain),
            tuple(override.path for override in overrides if override.plain),
        )
        if kind in self._refused:
            raise self._refused[kind]
        try:
            return self._patched(number, texts, overrides) or self._by_hydra(number, texts)
        except COMPOSITION_ERRORS as err:
            refusal = explained(err, texts, "config")
            if self._has_wrong_keys(overrides):
                self._refused[kind] = refusal
            raise refusal from err

    def _patched(
        self, number: int, texts: Sequence[str], overrides: Sequence[JobOverride]
    ) -> ComposedConfig | None:
        """The job from a config with the same options, or None if that cannot be."""
        base = self._base(overrides)
        patched = base.patched([override for override in overrides if override.plain])
        if patched is None:
            return None
        raw, resolved = patched
        refuse_unfounded(resolved)
        resolved, notes = fitted_to_classes(resolved, base.hydra["runtime"]["choices"])
        typed = list(filter_overrides(texts))
        config = checked(resolved, self.groups)
        notes += notes_on_idle(resolved, raw, typed)
        return ComposedConfig(config, raw, base.hydra, typed, number, notes)

    def _by_hydra(self, number: int, texts: Sequence[str]) -> ComposedConfig:
        config = self.loader.load_sweep_config(self.sweep, list(texts))
        with open_dict(config):
            config.hydra.job.id = str(number)
            config.hydra.job.num = number
        return from_hydra(config)

    def _base(self, overrides: Sequence[JobOverride]) -> Base:
        others = [override for override in overrides if not override.plain]
        key = tuple(override.text for override in others)
        base = self._bases.get(key)
        if base is None:
            base = Base(self.loader.load_sweep_config(self.sweep, list(key)), others)
            refuse_unobeyed(base.hydra)
            refuse_too_late(base.hydra, self.hydra)
            if len(self._bases) < MOST_BASES:
                self._bases[key] = base
        return base

    def _has_wrong_keys(self, overrides: Sequence[JobOverride]) -> bool:
        """Whether the keys alone, or the options, are why Hydra refuses; not the values."""
        try:
            return self._base(overrides).misses(
                override for override in overrides if override.plain
            )
        except COMPOSITION_ERRORS:
            return True


def composed_jobs(
    loader: ConfigLoader, sweep: DictConfig, job_overrides: Sequence[Sequence[str]]
) -> list[ComposedConfig]:
    """Every job's config.

    Args:
        loader: Hydra's.
        sweep: the config of the whole sweep.
        job_overrides: of each job.

    Raises:
        ConfigError: with the mistakes of all jobs, each with the first job that has it.
    """
    composer = JobComposer(loader, sweep)
    jobs: list[ComposedConfig] = []
    problems: dict[str, list[str]] = {}
    for number, overrides in enumerate(job_overrides):
        try:
            jobs.append(composer.composed(number, overrides))
        except ConfigError as err:
            typed = " ".join(filter_overrides(overrides))
            for line in err.problems:
                problems.setdefault(line, []).append(f"job {number} ({typed})")
    if problems:
        raise ConfigError(*cut([f"{_first(jobs)}: {line}" for line, jobs in problems.items()]))
    return jobs


def recomposed(
    job_overrides: Sequence[Sequence[str]], source: ConfigSource
) -> list[ComposedConfig]:
    """The config of jobs that were composed before, as it is now; arguments as in `composed`.

    Raises:
        ConfigError: as `composed_jobs`.
    """
    with sweep_config([], source) as (loader, sweep):
        return composed_jobs(loader, sweep, job_overrides)


@contextmanager
def sweep_config(
    overrides: Sequence[str], source: ConfigSource
) -> Iterator[tuple[ConfigLoader, DictConfig]]:
    """Hydra's loader and the config of a whole sweep, from which it composes the jobs.

    Raises:
        ConfigError: for a mistake in the overrides or the YAML, also where the jobs have it.
    """
    typed = [*overrides, *([] if MULTIRUN in overrides else [MULTIRUN])]
    with source.opened() as loader:
        try:
            sweep = _loaded(loader, source.name, typed)
        except (*COMPOSITION_ERRORS, *STUMBLES) as err:
            raise explained(err, overrides, source.name, sweep=True) from err
        HydraConfig.instance().set_config(sweep)
        try:
            yield loader, sweep
        except COMPOSITION_ERRORS as err:
            raise explained(err, overrides, source.name, sweep=True) from err


def _loaded(loader: ConfigLoader, name: str, typed: Sequence[str]) -> DictConfig:
    """The config of a whole sweep.

    Hydra puts into it what all jobs have in common, and refuses a key that the default option of a
    group lacks, though the options that are swept over have it. Such keys are left to the jobs.
    """
    try:
        return loader.load_configuration(name, list(typed), run_mode=RunMode.MULTIRUN)
    except COMPOSITION_ERRORS:
        theirs = _of_swept_groups(loader, typed)
        others = [text for text in typed if text not in theirs]
        if not theirs:
            raise
        sweep = loader.load_configuration(name, others, run_mode=RunMode.MULTIRUN)
    with read_write(sweep.hydra), open_dict(sweep.hydra):
        sweep.hydra.overrides.task = list(filter_overrides(typed))
    return sweep


def _of_swept_groups(loader: ConfigLoader, typed: Sequence[str]) -> set[str]:
    """Overrides of keys in a group whose options are swept over."""
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(typed))
    swept = {one.key_or_group for one in parsed if one.is_sweep_override()}
    return {
        str(one.input_line)
        for one in parsed
        if one.key_or_group.partition(".")[0] in swept and "." in one.key_or_group
    }


def sweep_directory(sweep: DictConfig) -> Path:
    """Where the sweep goes.

    Raises:
        ConfigError: if the key names no folder.
    """
    HydraConfig.instance().set_config(sweep)
    return output_place("hydra.sweep.dir", selected(sweep, "hydra.sweep.dir"))


def sweep_settings(sweep: DictConfig) -> dict[str, Any]:
    """The group `sweep` of the whole sweep's config, in plain containers."""
    settings: Any = OmegaConf.to_container(sweep.sweep, resolve=True)
    return {str(key): value for key, value in settings.items()}


def _first(jobs: Sequence[str]) -> str:
    """The first of the jobs that have a mistake in common, and how many more there are."""
    more = f" and {len(jobs) - 1} more jobs" if len(jobs) > 2 else " and 1 more job"
    return jobs[0] + (more if len(jobs) > 1 else "")
