"""From the overrides of a sweep to its jobs, composed by Hydra, before any of them is run."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from seedbed.compose.compose import OWN, ConfigSource, hydra_part
from seedbed.compose.composed import ComposedSweep, selected
from seedbed.compose.hydra_keys import OWN_LAUNCHER, refuse_of_one_job, refuse_unobeyed
from seedbed.compose.modes import notes_on_repeated, refuse_idle_of_sweep
from seedbed.compose.sweep_jobs import composed_jobs, sweep_config, sweep_directory, sweep_settings
from seedbed.config.schema import SweepConfig
from seedbed.errors import ConfigError
from seedbed.remote.urls import is_url
from seedbed.sweep.expand import Expanded, expanded


def composed_sweep(
    overrides: Sequence[str],
    source: ConfigSource = OWN,
    *,
    only_check: bool = False,
) -> ComposedSweep | None:
    """Composes and checks every job of a sweep, as Hydra does by our sweeper and launcher.

    Args:
        overrides: as typed.
        source: of the configs.
        only_check: whether nothing is to be run.

    Returns:
        The sweep; None if the config names another launcher, or callbacks, and it is to be run:
        Hydra runs it then.

    Raises:
        ConfigError: with the mistakes of all jobs.
    """
    with sweep_config(overrides, source) as (loader, sweep):
        hydra = hydra_part(sweep)
        refuse_unobeyed(hydra)
        refuse_idle_of_sweep(hydra, sweep_settings(sweep))
        if not only_check and not _is_ours(sweep.hydra):
            return None
        jobs = overrides_of_jobs(loader, sweep, _typed(sweep))
        notes = (*notes_on_repeated(overrides), *jobs.notes)
        return composed_from(loader, sweep, jobs.jobs, notes)


def sweep_of_jobs(
    jobs: Sequence[Sequence[str]], overrides: Sequence[str], source: ConfigSource
) -> ComposedSweep:
    """A sweep of jobs that are told one by one.

    Args:
        jobs: the overrides of each.
        overrides: of the sweep as a whole; none of them makes jobs.
        source: of the configs.

    Raises:
        ConfigError: with the mistakes of all jobs.
    """
    with sweep_config(overrides, source) as (loader, sweep):
        refuse_unobeyed(hydra_part(sweep))
        return composed_from(loader, sweep, jobs)


def _typed(sweep: DictConfig) -> list[str]:
    """The overrides that ask for a sweep; `${…}` in them is for each job to fill in."""
    overrides: Any = OmegaConf.to_container(sweep.hydra.overrides.task, resolve=False)
    params = sweep.hydra.sweeper.params or {}
    return [*(f"{key}={value}" for key, value in params.items()), *overrides]


def overrides_of_jobs(
    loader: ConfigLoader, sweep: DictConfig, arguments: Sequence[str]
) -> Expanded:
    """The overrides of each job.

    Args:
        loader: Hydra's.
        sweep: the config of the whole sweep.
        arguments: the overrides that ask for it.

    Raises:
        ConfigError: if there would be no job, or one would set a key of Hydra's own.
    """
    refuse_unobeyed(hydra_part(sweep))
    parser = OverridesParser.create(config_loader=loader)
    overrides = parser.parse_overrides(list(arguments))
    _refuse_empty(overrides)
    (jobs,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    read = partial(_key_and_value, parser)
    expansion = expanded([list(map(str, job)) for job in jobs], sweep_settings(sweep), read)
    refuse_of_one_job(
        sorted({override for job in expansion.jobs for override in job if "hydra" in override})
    )
    return expansion


def _key_and_value(parser: OverridesParser, text: str) -> tuple[str, Any]:
    override = parser.parse_override(text)
    return override.key_or_group, override.value()


def composed_from(
    loader: ConfigLoader,
    sweep: DictConfig,
    jobs: Sequence[Sequence[str]],
    notes: tuple[str, ...] = (),
) -> ComposedSweep:
    """The jobs of such overrides, with notes on all of them.

    Raises:
        ConfigError: with the mistakes of all jobs, or for a setting that only our launcher obeys.
    """
    directory = sweep_directory(sweep)
    composed = composed_jobs(loader, sweep, jobs)
    composed[0] = replace(composed[0], notes=(*notes, *composed[0].notes))
    if sweep.hydra.launcher.get("_target_") != OWN_LAUNCHER:
        launcher = sweep.hydra.runtime.choices["hydra/launcher"]
        _refuse_ours_alone(composed[0].config.sweep, launcher)
        _refuse_url(sweep, launcher)
    multirun: Any = OmegaConf.to_container(sweep, enum_to_str=True)
    return ComposedSweep(
        directory, composed, multirun, {"config_name": str(sweep.hydra.job.config_name)}
    )


def _is_ours(hydra: DictConfig) -> bool:
    return hydra.launcher.get("_target_") == OWN_LAUNCHER and not hydra.callbacks


def _refuse_ours_alone(settings: SweepConfig, launcher: str) -> None:
    """Settings of the group `sweep` that other launchers do not know."""
    refused = {
        "fuse=always": settings.fuse == "always",
        "compile=always": settings.compile == "always",
        "on_error=stop": settings.on_error == "stop",
        f"workers={settings.workers}": settings.processes > 0,
        f"executor={settings.executor}": settings.executor != "local",
    }
    problems = [
        f"sweep.{setting} is not obeyed by hydra/launcher={launcher}; leave out the one or the "
        "other"
        for setting, is_set in refused.items()
        if is_set
    ]
    if problems:
        raise ConfigError(*problems)


def _refuse_url(sweep: DictConfig, launcher: str) -> None:
    """Other launchers would make a folder of that name."""
    place = selected(sweep, "hydra.sweep.dir")
    if is_url(place):
        raise ConfigError(
            f"hydra.sweep.dir={place}: hydra/launcher={launcher} writes into folders "
            "alone; name one, or leave the launcher out"
        )


def _refuse_empty(overrides: Sequence[Override]) -> None:
    """Such as `seed=range(0,0)`, of which no job would be made."""
    for one in overrides:
        key = one.key_or_group
        if one.is_interval_sweep():
            draw = f"sweep.draw={{{key}:{{low: LOW, high: HIGH}}}}"
            raise ConfigError(f"'{one.input_line}' lists no values; type '{draw}' to draw some")
        if one.is_sweep_override() and next(iter(one.sweep_string_iterator()), None) is None:
            raise ConfigError(f"{key}: no value in '{one.input_line}', so no jobs")
