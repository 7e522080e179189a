"""Which cluster a sweep's tasks are for, and what is wrong with what is asked of it."""

import shlex
import shutil
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from seedbed.config.hints import did_you_mean, joined
from seedbed.config.schema import RunConfig, SlurmConfig, SweepConfig
from seedbed.errors import ConfigError
from seedbed.sweep.clusters import slurm_queue
from seedbed.sweep.clusters.durations import minutes
from seedbed.sweep.progress import SweepProgress

if TYPE_CHECKING:
    from seedbed.sweep.clusters.cluster_stacks import ClusterStacks

PACKAGES = {"submitit": ("submitit", "slurm"), "ray": ("ray", "ray")}
"""What each executor needs: a package, and the extra of ours that brings it."""

AT_A_TIME = {
    "submitit": "sweep.slurm.array_parallelism=N for so many tasks at a time",
    "ray": "sweep.ray.cpus=N for the cores of a task; Ray runs as many as it has room for",
}


def cluster_of(
    settings: SweepConfig,
    sweep: Path,
    progress: SweepProgress,
    note: Callable[[str], None],
    over: Callable[[], bool],
) -> "ClusterStacks | None":
    """What trains stacks on a cluster; None if this machine does.

    Args:
        settings: of the sweep.
        sweep: its directory.
        progress: hears how far each stack is.
        note: called with what a person should know.
        over: whether all is to end.
    """
    if settings.executor == "local":
        return None
    from seedbed.sweep.clusters.cluster import Cluster
    from seedbed.sweep.clusters.cluster_stacks import ClusterStacks, tasks_folder

    folder = tasks_folder(sweep.absolute())
    cluster: Cluster
    if settings.executor == "ray":
        from seedbed.sweep.clusters.ray_cluster import RayCluster

        cluster = RayCluster(settings.ray, folder)
    else:
        from seedbed.sweep.clusters.submitit_cluster import SubmititCluster

        cluster = SubmititCluster(settings.slurm, folder)
    return ClusterStacks(cluster, folder, progress, note, over)


def refuse_wrong_cluster(configs: Sequence[RunConfig]) -> None:
    """Refuses what cannot be had of the cluster, before anything is written.

    Args:
        configs: of the jobs of a sweep.

    Raises:
        ConfigError: with all that is wrong.
    """
    settings = configs[0].sweep
    if settings.executor == "local":
        return
    package, extra = PACKAGES[settings.executor]
    if not _is_installed(package):
        raise ConfigError(
            f"sweep.executor={settings.executor} needs {package}, which is not installed; "
            f"type: pip install 'seedbed[{extra}]'"
        )
    problems = []
    if settings.workers != "auto":
        problems.append(
            f"sweep.workers={settings.workers}: workers are processes of sweep.executor=local; "
            f"type {AT_A_TIME[settings.executor]}"
        )
    asked = settings.slurm if settings.executor == "submitit" else settings.ray
    group = f"sweep.{extra}"
    problems += _of_devices(configs, asked.gpus, asked.cpus, group)
    if settings.executor == "submitit":
        problems += _of_slurm(settings.slurm)
    elif settings.ray.address is not None:
        from seedbed.sweep.clusters.ray_cluster import unreachable

        if why := unreachable(settings.ray.address):
            problems.append(f"sweep.ray.address={settings.ray.address}: {why}")
    if problems:
        raise ConfigError(*problems)


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ValueError:  # it was kept from being imported
        return False


def _of_devices(configs: Sequence[RunConfig], gpus: int, cpus: int, group: str) -> list[str]:
    """What a task asks for against what its runs are to use."""
    problems = []
    if gpus > 1:
        problems.append(f"{group}.gpus={gpus}: a task trains on one device; type {group}.gpus=1")
    devices = {config.trainer.device for config in configs}
    cuda = sorted(one for one in devices if one.startswith("cuda"))
    if cuda and not gpus:
        problems.append(f"trainer.device={cuda[0]} needs a GPU a task; type {group}.gpus=1")
    if gpus and devices == {"cpu"}:
        problems.append(f"{group}.gpus={gpus}: trainer.device=cpu uses none; leave out the one")
    threads = max(config.trainer.threads or 1 for config in configs)
    if threads > cpus:
        problems.append(
            f"trainer.threads={threads} is more than {group}.cpus={cpus}; "
            f"type {group}.cpus={threads}"
        )
    return problems


def _of_slurm(settings: SlurmConfig) -> list[str]:
    """What SLURM says of the partition and of what is asked of it."""
    if settings.cluster == "local":
        return _of_python(settings.python) if settings.python is not None else []
    if not slurm_queue.is_here():
        return [
            "sweep.executor=submitit: there is no sbatch and srun here; type it on a machine that "
            "submits to the cluster, or sweep.slurm.cluster=local to try it out"
        ]
    found = slurm_queue.partitions()
    if isinstance(found, str):
        return [f"sweep.executor=submitit: sinfo does not answer: {found}"]
    wanted = settings.partition
    names = list(dict.fromkeys(one.name for one in found))
    chosen = [one for one in found if one.name == wanted or (wanted is None and one.is_default)]
    if wanted is not None and not chosen:
        hint = did_you_mean(wanted, names)
        return [f"sweep.slurm.partition: no partition '{wanted}'; sinfo says {joined(names)}{hint}"]
    if not chosen:
        return [f"sweep.slurm.partition: the cluster has no default one; it has {joined(names)}"]
    return _beyond(settings, chosen)


def _of_python(command: str) -> list[str]:
    """What is wrong with the command of a Python on this machine."""
    try:
        words = shlex.split(command)
    except ValueError as err:
        return [f"sweep.slurm.python={command}: {str(err).lower()}"]
    if words and shutil.which(words[0]) is not None:
        return []
    return [
        f"sweep.slurm.python={command}: no such command here; leave it out for the Python of "
        "this process"
    ]


def _beyond(settings: SlurmConfig, chosen: Sequence[slurm_queue.Partition]) -> list[str]:
    """What is more than any node of the partition has."""
    name, limit = chosen[0].name, chosen[0].limit
    problems = []
    if chosen[0].state != "up":
        problems.append(
            f"sweep.slurm.partition: '{name}' takes no tasks now: sinfo says {chosen[0].state}"
        )
    if limit[:1].isdigit() and minutes(settings.time) > minutes(limit):
        problems.append(
            f"sweep.slurm.time={settings.time} is more than partition '{name}' allows, {limit}"
        )
    cpus = max(one.cpus for one in chosen)
    if settings.cpus > cpus:
        problems.append(f"sweep.slurm.cpus={settings.cpus}: nodes of '{name}' have {cpus}")
    if settings.gpus and not any(one.gpus for one in chosen):
        problems.append(f"sweep.slurm.gpus={settings.gpus}: nodes of '{name}' have none")
    return problems
