"""What the functions are asked for, composed from overrides as the commands compose it."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike, fspath

from seedbed.api.handed import Handed, refuse_about
from seedbed.compose.compose import ConfigSource
from seedbed.compose.composed import ComposedConfig, ComposedSweep
from seedbed.compose.requests import requested
from seedbed.config.absurd import refuse_absurd_overrides
from seedbed.config.locations import find_user_conf
from seedbed.config.overrides import overrides_of
from seedbed.errors import ArgumentError, ConfigError


def run_of(
    overrides: Sequence[str], given: Handed, directory: str | PathLike[str] | None = None
) -> ComposedConfig:
    """One run.

    Args:
        overrides: as typed.
        given: rows and a model that are handed in beside them.
        directory: of the run; None for what the config says.

    Raises:
        ConfigError: for a mistake in the overrides or the YAML, or if they ask for a sweep.
    """
    request = _request([*given.overrides, *overrides], "hydra.run.dir", directory, multirun=False)
    if not isinstance(request, ComposedConfig):
        raise ConfigError(
            "hydra.mode=MULTIRUN asks for a sweep, and this is one run; call seedbed.sweep"
        )
    (request_with_items,) = given.into(request)
    return request_with_items


def sweep_of(
    overrides: Sequence[str], given: Handed, directory: str | PathLike[str] | None = None
) -> ComposedSweep:
    """A sweep; arguments and errors as in `run_of`."""
    request = _request([*given.overrides, *overrides], "hydra.sweep.dir", directory, multirun=True)
    if not isinstance(request, ComposedSweep):
        raise ConfigError(
            "another hydra/launcher than Seedbed's, and callbacks of a sweep, are for the command "
            "line; leave them out, or type seedbed train -m in a terminal"
        )
    return replace(request, jobs=given.into(*request.jobs))


def _request(
    overrides: Sequence[str], key: str, directory: str | PathLike[str] | None, *, multirun: bool
) -> ComposedConfig | ComposedSweep | None:
    typed = list(overrides)
    refuse_absurd_overrides(typed)
    if directory is not None:
        if not isinstance(directory, str | PathLike):
            raise ArgumentError(f"directory must be a path, got {type(directory).__name__}")
        refuse_about(overrides, "directory", "the folder", (key,))
        typed += overrides_of({key: fspath(directory)})
    return requested(typed, ConfigSource(find_user_conf()), multirun=multirun)
