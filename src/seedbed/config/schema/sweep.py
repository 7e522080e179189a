"""The keys of `sweep`, and what it asks of clusters."""

from dataclasses import dataclass, field
from typing import Literal

from seedbed.config.ranges import (
    AnyNames,
    Count,
    Duration,
    Memory,
    Name,
    Object,
    Objects,
    Processes,
    Seed,
    Threads,
)
from seedbed.config.schema.marks import ABSENT


@dataclass(frozen=True)
class SlurmConfig:
    """What `sweep.executor=submitit` asks SLURM for, for each task; null is the cluster's own."""

    cluster: Literal["slurm", "local"]
    partition: Name | None
    time: Duration
    start_within: Duration | None
    cpus: Threads
    gpus: Processes
    memory: Memory | None
    account: Name | None
    array_parallelism: Threads
    python: Name | None
    setup: AnyNames
    extra: Object | None


@dataclass(frozen=True)
class RayConfig:
    """What `sweep.executor=ray` asks Ray for, for each task."""

    address: Name | None
    cpus: Threads
    gpus: Processes
    retries: Processes
    start_within: Duration | None


@dataclass(frozen=True)
class SweepConfig:
    """How the jobs of a sweep are run."""

    on_error: Literal["continue", "stop"]
    fuse: Literal["auto", "always", "never"]
    allow_random: bool
    workers: Literal["auto"] | Processes
    settings: Objects
    zip: Object | None
    exclude: Objects
    draw: Object | None
    draws: Count
    draw_seed: Seed
    plot: bool
    compile: Literal["auto", "always", "never"] = field(metadata={ABSENT: "auto"})
    executor: Literal["local", "submitit", "ray"] = field(metadata={ABSENT: "local"})
    slurm: SlurmConfig = field(metadata={ABSENT: None})
    ray: RayConfig = field(metadata={ABSENT: None})
    layout: Literal["directories", "packed"] = field(metadata={ABSENT: "directories"})

    @property
    def processes(self) -> int:
        """That are asked for, in which jobs run; 0 for none in particular."""
        return 0 if self.workers == "auto" else self.workers

    @property
    def randomness(self) -> Literal["different", "error"]:
        """What a stack does where its model draws at random."""
        return "different" if self.allow_random else "error"
