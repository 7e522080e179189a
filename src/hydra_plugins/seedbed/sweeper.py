"""`hydra/sweeper=seedbed`: every combination, handed to our launcher in one go.

Hydra imports this at the start of every Hydra program in the environment, so it stays light.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.plugins.launcher import Launcher
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
        from seedbed.compose.callbacks import refuse_callbacks_of_jobs
        from seedbed.compose.sweeps import overrides_of_jobs

        assert self.config is not None
        assert self.hydra_context is not None
        assert self.launcher is not None
        loader = self.hydra_context.config_loader
        jobs = overrides_of_jobs(loader, self.config, [*self._parse_config(), *arguments])
        if not isinstance(self.launcher, SeedbedLauncher):
            return self._run_elsewhere(self.launcher, loader, jobs)
        refuse_callbacks_of_jobs(self.hydra_context.callbacks.callbacks)
        self.launcher.notes = jobs.notes
        return [self.launcher.launch(jobs.jobs, initial_job_idx=0)]

    def _run_elsewhere(self, launcher: Launcher, loader: ConfigLoader, jobs: Any) -> None:
        """Composes and checks every job of the sweep, and lets another launcher run them."""
        from seedbed.api.sweeping import run_sweep
        from seedbed.cli.console import of_plugins
        from seedbed.compose.launchers import launch
        from seedbed.compose.sweeps import composed_from

        config = self.config
        assert config is not None
        name = str(config.hydra.runtime.choices["hydra/launcher"])

        def run(sweep: Any, left: Sequence[Any]) -> None:
            of_plugins.line(
                f"note: hydra/launcher={name} runs each job on its own; none are trained together"
            )
            launch(launcher, name, sweep, left, of_plugins.error)

        run_sweep(composed_from(loader, config, jobs.jobs, jobs.notes), of_plugins, run)
