"""`hydra/sweeper=seedbed`: every combination, handed to our launcher in one go.

Hydra imports this at the start of every Hydra program in the environment, so it stays light.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from hydra_plugins.seedbed.launcher import SeedbedLauncher


@dataclass
class SeedbedSweeperConf:
    """As Hydra's basic sweeper; `params` may hold overrides of every sweep."""

    _target_: str = "hydra_plugins.seedbed.sweeper.SeedbedSweeper"
    max_batch_size: int | None = None
    params: dict[str, str] | None = None


ConfigStore.instance().store(
    group="hydra/sweeper", name="seedbed", node=SeedbedSweeperConf, provider="seedbed"
)


class SeedbedSweeper(BasicSweeper):
    """Writes nothing, so that a sweep with a wrong value leaves nothing behind.

    Hydra's own writes `multirun.yaml` first, over that of an earlier sweep in the directory, and
    composes each job once more. It still serves other launchers.
    """

    def sweep(self, arguments: list[str]) -> Any:
        """Runs every combination of the arguments."""
        if not isinstance(self.launcher, SeedbedLauncher) or self.hydra_context is None:
            return super().sweep(arguments)
        from seedbed.config.sweep_jobs import sweep_settings
        from seedbed.sweep.expand import expanded

        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        overrides = parser.parse_overrides([*self._parse_config(), *arguments])
        _refuse_empty(overrides)
        (jobs,) = self.split_arguments(overrides, max_batch_size=None)
        assert self.config is not None
        settings = sweep_settings(self.config)
        words = [list(map(str, job)) for job in jobs]
        return [self.launcher.launch(expanded(words, settings), initial_job_idx=0)]


def _refuse_empty(overrides: Sequence[Override]) -> None:
    """Such as `seed=range(0,0)`, of which no job would be made."""
    from seedbed.errors import ConfigError

    for one in overrides:
        key = one.key_or_group
        if one.is_interval_sweep():
            draw = f"sweep.draw={{{key}:{{low: LOW, high: HIGH}}}}"
            raise ConfigError(f"'{one.input_line}' lists no values; type '{draw}' to draw some")
        if one.is_sweep_override() and next(iter(one.sweep_string_iterator()), None) is None:
            raise ConfigError(f"{key}: no value in '{one.input_line}', so no jobs")
