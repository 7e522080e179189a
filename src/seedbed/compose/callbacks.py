"""Calls the callbacks of `hydra.callbacks` around a single run, as Hydra's own program does."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hydra._internal.callbacks import Callbacks
from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from seedbed.compose.composed import ComposedConfig
from seedbed.errors import ConfigError
from seedbed.runs.status import Status

T = TypeVar("T")
Say = Callable[[str], object]
"""Called with a line for a person."""

OF_JOBS = ("on_job_start", "on_job_end")


def called_back(
    settings: ComposedConfig,
    train: Callable[[ComposedConfig], T],
    returned: Callable[[T], dict[str, Any]],
    say: Say,
) -> T:
    """Trains one run between its callbacks.

    Args:
        settings: of the run.
        train: trains it.
        returned: its status and metrics, which callbacks see.
        say: hears what Hydra warns of.

    Raises:
        ConfigError: if a callback cannot be built.
    """
    config = _whole(settings)
    HydraConfig.instance().set_config(config)
    try:
        callbacks = Callbacks(config)
    except HydraException as err:
        raise ConfigError(f"hydra.callbacks: {' '.join(str(err).split())}") from err
    name = settings.hydra["job"]["config_name"]
    done = JobReturn(overrides=settings.overrides, cfg=config, working_dir=str(Path.cwd()))
    with _warnings_as_notes(say):
        callbacks.on_run_start(config=config, config_name=name)
        callbacks.on_job_start(config=config, task_function=train)
    try:
        trained = train(settings)
        done.return_value = report = returned(trained)
        completed = report["status"] == Status.COMPLETED
        done.status = JobStatus.COMPLETED if completed else JobStatus.FAILED
    except BaseException as err:
        done.return_value, done.status = err, JobStatus.FAILED
        raise
    finally:
        with _warnings_as_notes(say):
            callbacks.on_job_end(config=config, job_return=done)
            callbacks.on_run_end(config=config, config_name=name, job_return=done)
    return trained


def refuse_callbacks_of_jobs(callbacks: Sequence[Any]) -> None:
    """Refuses, of a sweep by our launcher, callbacks that wait for its jobs: many are one there.

    Raises:
        ConfigError: naming the class, its method, and what to type.
    """
    for one in callbacks:
        for name in OF_JOBS:
            if getattr(type(one), name, None) not in (None, getattr(Callback, name)):
                raise ConfigError(
                    f"hydra.callbacks: {type(one).__name__}.{name} is not called for the jobs of "
                    "a sweep, which train together; type hydra/launcher=basic to run each on its "
                    "own, with its callbacks"
                )


def _whole(settings: ComposedConfig) -> DictConfig:
    """The config as Hydra hands it to callbacks, with its directory."""
    hydra = OmegaConf.structured(HydraConf)
    OmegaConf.set_struct(hydra, False)  # hydra.env is none of its fields
    config = OmegaConf.create(settings.raw)
    config.hydra = OmegaConf.merge(hydra, settings.hydra)
    config.hydra.runtime.output_dir = str(settings.directory.resolve())
    return config


@contextmanager
def _warnings_as_notes(say: Say) -> Iterator[None]:
    """Hydra warns where a callback raises, and goes on."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for one in caught:
        say(f"note: {one.message}")
