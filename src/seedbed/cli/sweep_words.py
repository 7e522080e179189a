"""From the words of a sweep to its jobs, composed by Hydra, before any of them is run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from seedbed.config.compose import COMPOSITION_ERRORS
from seedbed.config.composed import ComposedSweep
from seedbed.config.explain import explained
from seedbed.config.locations import own_conf
from seedbed.config.sweep_jobs import composed_jobs, sweep_config, sweep_directory, sweep_settings
from seedbed.errors import ConfigError
from seedbed.sweep.expand import expanded

OURS = {
    "sweeper": "hydra_plugins.seedbed.sweeper.SeedbedSweeper",
    "launcher": "hydra_plugins.seedbed.launcher.SeedbedLauncher",
}


def composed_sweep(
    overrides: Sequence[str],
    user_folder: Path | None = None,
    config_name: str = "config",
    config_path: Path | None = None,
) -> ComposedSweep | None:
    """Composes and checks every job of a sweep, as Hydra does by our sweeper and launcher.

    Returns:
        The sweep; None if the config names another sweeper or launcher, or callbacks: Hydra runs
        it then.

    Raises:
        ConfigError: with the mistakes of all jobs.
    """
    conf = config_path or own_conf()
    with sweep_config(overrides, user_folder, config_name, conf) as (loader, sweep):
        if not _is_ours(sweep.hydra):
            return None
        try:
            params = [f"{key}={value}" for key, value in (sweep.hydra.sweeper.params or {}).items()]
            jobs = words_of_jobs(loader, sweep, [*params, *sweep.hydra.overrides.task])
            return composed_from(loader, sweep, jobs)
        except COMPOSITION_ERRORS as err:
            raise explained(err, overrides, config_name) from err


def words_of_jobs(
    loader: ConfigLoader, sweep: DictConfig, arguments: Sequence[str]
) -> list[list[str]]:
    """The overrides of each job.

    Args:
        loader: Hydra's.
        sweep: the config of the whole sweep.
        arguments: the overrides that ask for it.

    Raises:
        ConfigError: if there would be no job.
    """
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(list(arguments))
    _refuse_empty(overrides)
    (jobs,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return expanded([list(map(str, job)) for job in jobs], sweep_settings(sweep))


def composed_from(
    loader: ConfigLoader, sweep: DictConfig, jobs: Sequence[Sequence[str]]
) -> ComposedSweep:
    """The jobs of such overrides.

    Raises:
        ConfigError: with the mistakes of all jobs.
    """
    directory = sweep_directory(sweep)
    composed = composed_jobs(loader, sweep, jobs)
    multirun: Any = OmegaConf.to_container(sweep, enum_to_str=True)
    return ComposedSweep(
        directory, composed, multirun, {"config_name": str(sweep.hydra.job.config_name)}
    )


def _is_ours(hydra: DictConfig) -> bool:
    named = {part: hydra[part].get("_target_") for part in OURS}
    return named == OURS and not hydra.callbacks


def _refuse_empty(overrides: Sequence[Override]) -> None:
    """Such as `seed=range(0,0)`, of which no job would be made."""
    for one in overrides:
        key = one.key_or_group
        if one.is_interval_sweep():
            draw = f"sweep.draw={{{key}:{{low: LOW, high: HIGH}}}}"
            raise ConfigError(f"'{one.input_line}' lists no values; type '{draw}' to draw some")
        if one.is_sweep_override() and next(iter(one.sweep_string_iterator()), None) is None:
            raise ConfigError(f"{key}: no value in '{one.input_line}', so no jobs")
