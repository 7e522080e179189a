"""`hydra/launcher=seedbed`: hands the jobs of a sweep to Seedbed.

Hydra imports this at the start of every Hydra program in the environment, so it stays light.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus, setup_globals
from hydra.errors import CompactHydraException
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


class ElsewhereError(CompactHydraException):
    """Ours was named in somebody else's program; Hydra prints this without a traceback."""


def refuse_elsewhere(task: TaskFunction, word: str) -> None:
    """Refuses to run the jobs of another program: they would be trained by Seedbed.

    Args:
        task: the program's function.
        word: that named ours.

    Raises:
        ElsewhereError: saying what to type.
    """
    if not str(getattr(task, "__module__", "")).startswith("seedbed."):
        part = word.partition("=")[0]
        raise ElsewhereError(
            f"error: {word} runs sweeps of the command 'seedbed train -m' alone; in your own "
            f"program type {part}=basic, or leave it out"
        )


class SeedbedLauncher(Launcher):
    """Composes and checks every job before the first one starts."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Keeps what `launch` needs.

        Raises:
            ElsewhereError: in another program than Seedbed.
        """
        refuse_elsewhere(task_function, "hydra/launcher=seedbed")
        self.context = hydra_context
        self.config = config
        self.notes: tuple[str, ...] = ()

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        """Runs the jobs; one that fails is recorded, and does not raise."""
        from seedbed.api.sweeping import run_sweep
        from seedbed.cli.console import of_plugins
        from seedbed.compose.sweeps import composed_from

        setup_globals()
        loader = self.context.config_loader
        request = composed_from(loader, self.config, job_overrides, self.notes)
        sweep = run_sweep(request, of_plugins)
        return [_returned(job.status, job.metrics) for job in sweep.jobs]


def _returned(status: str, metrics: dict[str, float] | None) -> JobReturn:
    job = JobReturn(status=JobStatus.COMPLETED)
    job.return_value = {"status": status, **(metrics or {})}
    return job
