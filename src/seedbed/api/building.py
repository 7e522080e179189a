"""The parts of a run, once what the config leaves to this machine is a number."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from seedbed.components import AllowList
from seedbed.config.schema import DataConfig, RunConfig
from seedbed.process import fast_start

if TYPE_CHECKING:
    from seedbed.tables.table import Table
    from seedbed.training.run_components import RunComponents


def built(
    config: RunConfig, read: "Callable[[DataConfig], Table] | None" = None
) -> "RunComponents":
    """Builds every part of a run; `loader.batch_size=largest` is looked for first.

    Args:
        config: checked.
        read: reads a table; None for the usual way.

    Raises:
        SeedbedError: as `build_run`.
    """
    # Imported here: torch takes a second, and a misspelt key is answered before it.
    from seedbed.tables.sources import read_source
    from seedbed.training.build_run import build_run

    fast_start.imports_done()
    allow, read = AllowList(config.allow), read or read_source
    if config.loader.batch_size != "largest":
        return build_run(config, allow, read=read)
    from seedbed.training.largest_batch import build_with_largest  # few runs ask for it

    return build_with_largest(config, lambda one, data: build_run(one, allow, data, read))
