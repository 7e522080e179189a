"""`hydra/sweeper=seedbed`: every combination, handed to our launcher in one go.

Hydra imports this at the start of every Hydra program in the environment, so it stays light.
"""

from dataclasses import dataclass, field
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_store import ConfigStore
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from hydra_plugins.seedbed.launcher import SeedbedLauncher, refuse_elsewhere


@dataclass
class SeedbedSweeperConf:
    """As Hydra's basic sweeper; `params` may hold overrides of every sweep."""

    _target_: str = "hydra_plugins.seedbed.sweeper.SeedbedSweeper"
    max_batch_size: int | None = None
    params: dict[str, Any] = field(default_factory=dict)


ConfigStore.instance().store(
    group="hydra/sweeper", name="seedbed", node=SeedbedSweeperConf, provider="seedbed"
)


class SeedbedSweeper(BasicSweeper):
    """Writes nothing, so that a sweep with a wrong value leaves nothing behind.

    Hydra's own writes `multirun.yaml` first, over that of an earlier sweep in the directory, and
    composes each job once more; it knows nothing of `sweep.settings` and the like.
    """

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keeps what `sweep` needs.

        Raises:
            ElsewhereError: in another program than Seedbed.
        """
        refuse_elsewhere(task_function, "hydra/sweeper=seedbed")
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> Any:
        """Runs every combination of the arguments."""
        from seedbed.cli.hydra_callbacks import refuse_callbacks_of_jobs
        from seedbed.cli.sweep_words import words_of_jobs

        assert self.config is not None
        assert self.hydra_context is not None
        assert self.launcher is not None
        loader = self.hydra_context.config_loader
        words = [*self._parse_config(), *arguments]
        if not isinstance(self.launcher, SeedbedLauncher):
            from seedbed.cli.other_launcher import run_elsewhere

            return run_elsewhere(self.launcher, loader, self.config, words)
        refuse_callbacks_of_jobs(self.hydra_context.callbacks.callbacks)
        asked = words_of_jobs(loader, self.config, words)
        self.launcher.notes = asked.notes
        return [self.launcher.launch(asked.jobs, initial_job_idx=0)]
