"""From overrides to what they ask for: one run, or a sweep."""

from collections.abc import Sequence

from seedbed.compose.compose import ConfigSource, asks_for_sweep, composed
from seedbed.compose.composed import ComposedConfig, ComposedSweep
from seedbed.compose.modes import fitting_one_run
from seedbed.errors import ConfigError


def requested(
    overrides: Sequence[str],
    source: ConfigSource,
    *,
    multirun: bool,
    only_check: bool = False,
) -> ComposedConfig | ComposedSweep | None:
    """The run or the sweep, composed and checked.

    Args:
        overrides: as typed.
        source: of the configs.
        multirun: whether a sweep is asked for; the config may ask for one as well.
        only_check: whether nothing is to be run, so that Hydra is not asked to.

    Returns:
        What is asked for; None if the config names another launcher, or callbacks of a sweep, and
        it is to be run: Hydra runs it then.

    Raises:
        ConfigError: for a mistake in the overrides or the YAML.
    """
    run: ComposedConfig | None = None
    if not multirun:
        try:
            run = composed(overrides, source)
        except ConfigError:
            if not asks_for_sweep(overrides, source):
                raise
    if run is None or run.hydra["mode"] == "MULTIRUN":
        from seedbed.compose.sweeps import composed_sweep  # with NumPy, which draws values

        return composed_sweep(overrides, source, only_check=only_check)
    run = fitting_one_run(run)
    _ = run.directory  # told by OmegaConf, and kept
    return run
