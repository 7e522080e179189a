"""A plan from overrides, for the commands that take a config in place of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.components import AllowList
from seedbed.config.locations import find_user_conf
from seedbed.config.schema import RunConfig
from seedbed.errors import ArgumentError
from seedbed.process import fast_start
from seedbed.process.fast_start import composed_ahead

if TYPE_CHECKING:
    from seedbed.training.run_components import RunComponents


def planned(overrides: Sequence[str], config_dir: str | None) -> "RunComponents":
    """Composes, checks and builds.

    Args:
        overrides: as `seedbed train` takes them.
        config_dir: the user's config folder, or None to look for one.

    Raises:
        SeedbedError: if the config or anything that it builds is wrong.
    """
    if config_dir is not None and not Path(config_dir).is_dir():
        raise ArgumentError(f"--config-dir: no folder '{config_dir}'")
    config = composed_ahead(
        lambda: _composed(overrides, config_dir), ("torch", "seedbed.training.run_components")
    )
    # Imported here: torch takes a second, and a misspelt key is answered before it.
    from seedbed.training.run_components import build_run

    fast_start.imports_done()
    return build_run(config, AllowList(config.allow))


def _composed(overrides: Sequence[str], config_dir: str | None) -> RunConfig:
    # Imported here: Hydra may be needed in another process alone.
    from seedbed.compose.compose import composed

    return composed(list(overrides), find_user_conf(config_dir)).config
