"""Which jobs of a sweep may train together, and why the others may not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.fused.engine import FusedEngine
from seedbed.fused.fusion_key import KnownParts, fusion_blocker, fusion_key
from seedbed.runs.checkpoint import Checkpoint
from seedbed.sweep.job import Job, checkpoint_of, earlier_outcome, own_start
from seedbed.training.starting_model import NO_STARTS

if TYPE_CHECKING:
    from seedbed.training.starting_point import Starts

ALONE = "no other job has the same shape"


@dataclass(frozen=True)
class Group:
    """Jobs of one shape, at one step; of those that began in stacks, the jobs of one stack.

    Args:
        jobs: in the sweep's order.
        snapshots: their last checkpoints, if they go on from there.
    """

    jobs: list[Job]
    snapshots: list[Checkpoint] | None


def starts_of(group: Group) -> "Starts":
    """What jobs that have checkpoints go on with, in place of what they started from."""
    if group.snapshots is None:
        return NO_STARTS
    return {job.config.identity: one for job in group.jobs if (one := own_start(job)) is not None}


@dataclass(frozen=True)
class Unfused:
    """Jobs that run one by one.

    Args:
        jobs: in the sweep's order.
        reason: why, in a few words; empty if it goes without saying.
    """

    jobs: list[Job]
    reason: str

    @property
    def note(self) -> str:
        """What is said of them."""
        return self.describe("runs singly", "run singly")

    def describe(self, one: str, more: str) -> str:
        """How many they are, what they do, and why."""
        number = len(self.jobs)
        jobs = f"1 job {one}" if number == 1 else f"{number} jobs {more}"
        models = ", ".join(dict.fromkeys(map(named_model, self.jobs)))
        return f"{jobs}: {self.reason} ({models})"


def merged_by_reason(unfused: Sequence[Unfused]) -> list[Unfused]:
    """Those of one reason together, in the order of the reasons."""
    jobs: dict[str, list[Job]] = {}
    for one in unfused:
        jobs.setdefault(one.reason, []).extend(one.jobs)
    return [Unfused(of_reason, reason) for reason, of_reason in jobs.items()]


def named_model(job: Job) -> str:
    """`model=manual` as it was typed, or the model's class."""
    typed = [override for override in job.overrides if override.startswith("model=")]
    return typed[-1] if typed else f"model {str(job.config.model['_target_']).rpartition('.')[2]}"


def grouped(
    jobs: Sequence[Job], fuse: str, note: Callable[[str], None] = lambda text: None
) -> tuple[list[Group], list[Unfused]]:
    """Sorts jobs by shape, from their configs alone.

    Args:
        jobs: of a sweep, to be run.
        fuse: `sweep.fuse`.
        note: hears of each job whose checkpoint cannot be used.
    """
    if fuse == "never":
        return [], [Unfused(list(jobs), "")]
    groups: dict[Any, Group] = {}
    unfused: dict[str, Unfused] = {}
    known: KnownParts = {}
    for job in jobs:
        reason = fusion_blocker(job.config)
        snapshot, unusable = (None, "") if reason else checkpoint_of(job, earlier_outcome(job.path))
        if unusable:
            note(unusable)
        if snapshot is not None and snapshot.get("engine") != FusedEngine.name:
            reason = "going on from a single run's checkpoint"
        if reason:
            unfused.setdefault(reason, Unfused([], reason)).jobs.append(job)
            continue
        position = (snapshot["state"]["epoch"], snapshot["state"]["batch"]) if snapshot else None
        key = (fusion_key(job.config, known), position, job.stack)
        group = groups.setdefault(key, Group([], None if snapshot is None else []))
        group.jobs.append(job)
        if snapshot is not None and group.snapshots is not None:
            group.snapshots.append(snapshot)
    alone = [group for group in groups.values() if _is_alone(group, fuse)]
    if alone:
        reason = ALONE if len(jobs) > 1 else ""
        unfused[ALONE] = Unfused([job for group in alone for job in group.jobs], reason)
    return [group for group in groups.values() if not _is_alone(group, fuse)], [*unfused.values()]


def latest_of(jobs: Sequence[Job], packed: Mapping[str, int]) -> int:
    """The number of the latest pack that has a run of the jobs; 0 where none has.

    Args:
        jobs: of a stack.
        packed: as `numbers_of_packs` tells of their runs.
    """
    return max((packed.get(job.path.name, 0) for job in jobs), default=0)


def _is_alone(group: Group, fuse: str) -> bool:
    """A single job gains nothing, unless it began in a stack."""
    (first, *others) = group.jobs
    return not others and fuse != "always" and first.stack is None and group.snapshots is None
