"""`hydra/sweeper=seedbed`: every combination, handed to our launcher in one go.

Hydra imports this at the start of every Hydra program in the environment, so it stays light.
"""

from dataclasses import dataclass
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore

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
        from seedbed.cli.sweep_words import words_of_jobs

        assert self.config is not None
        words = [*self._parse_config(), *arguments]
        jobs = words_of_jobs(self.hydra_context.config_loader, self.config, words)
        return [self.launcher.launch(jobs, initial_job_idx=0)]
