"""`hydra/launcher=seedbed`: hands the jobs of a sweep to Seedbed.

Hydra imports this at the start of every Hydra program in the environment, so it stays light.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class SeedbedLauncherConf:
    """The launcher has no settings here; a sweep's are in the group `sweep`."""

    _target_: str = "hydra_plugins.seedbed.launcher.SeedbedLauncher"


ConfigStore.instance().store(
    group="hydra/launcher", name="seedbed", node=SeedbedLauncherConf, provider="seedbed"
)


class SeedbedLauncher(Launcher):
    """Composes and checks every job before the first one starts."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keeps what `launch` needs."""
        self.context = hydra_context
        self.config = config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Runs the jobs; one that fails is recorded, and does not raise."""
        from seedbed.cli.sweep import run_sweep
        from seedbed.cli.sweep_words import composed_from

        setup_globals()
        asked = composed_from(self.context.config_loader, self.config, job_overrides)
        records = run_sweep(asked)
        return [_returned(job.status, job.metrics) for job in records]


def _returned(status: str, metrics: dict[str, float] | None) -> JobReturn:
    job = JobReturn(status=JobStatus.COMPLETED)
    job.return_value = {"status": status, **(metrics or {})}
    return job
