"""A stack that is to be trained, and how it ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

from seedbed.fused.stack_components import StackComponents
from seedbed.fused.stack_data import KnownData
from seedbed.fused.step import StackedModel
from seedbed.sweep.groups import Group
from seedbed.sweep.job import Job, Outcome


@dataclass(frozen=True)
class Stack:
    """A stack that is to be trained: data alone, but for what is built and prepared already.

    Args:
        group: its jobs, and the checkpoints that they go on from.
        number: in the sweep.
        here: whether this process has to train it.
        seconds: that it takes of a core, about.
        bytes: of memory that it takes, about.
        threads: of the CPU that it computes in.
        plan: built for its jobs; None to have it built.
        written: as `build_stack` takes it.
        known: data that is prepared, as `build_stack` takes it.
        died: how many processes died that trained it.
        alone: whether its jobs are no stack: each runs on its own.
        after: the number of the latest pack that has a run of it; 0 where none has.
    """

    group: Group
    number: int
    here: bool
    seconds: float = 0.0
    bytes: int = 0
    threads: int = 1
    plan: StackComponents | None = None
    written: StackedModel | None = None
    known: KnownData = field(default_factory=dict)
    died: int = 0
    alone: bool = False
    after: int = 0

    @property
    def jobs(self) -> list[Job]:
        """Of it."""
        return self.group.jobs

    @property
    def own_class(self) -> str:
        """A class of this program itself, which no other process can import; or nothing."""
        first = self.jobs[0]
        handed_in = first.handed_in.values()
        modules = [one for item in handed_in if hasattr(item, "modules") for one in item.modules()]
        named = [str(part.get("_target_")) for part in (first.config.model, first.config.loss)]
        named += [f"{type(one).__module__}.{type(one).__qualname__}" for one in modules]
        return next((name for name in named if name.startswith("__main__.")), "")


@dataclass(frozen=True)
class StackEnd:
    """How a stack ended.

    Args:
        kind: by itself; with what a model of the user's raised; on the user's word, before its runs
            had; with its process; before it began, as it waited for too long; or as another process
            has gone on with its runs.
        outcomes: of its jobs, if it ended by itself.
        why: else, in a few words.
    """

    kind: Literal["ended", "raised", "stopped", "died", "late", "taken"]
    outcomes: list[tuple[Job, Outcome]] = field(default_factory=list)
    why: str = ""


Ended = Iterator[tuple[Stack, StackEnd]]


class StackExecutor(Protocol):
    """Has stacks trained: by processes of this machine, or by tasks of a cluster."""

    @property
    def slots(self) -> int:
        """Stacks that it trains at a time; a group is split into no more."""
        ...

    def close(self) -> None:
        """Nothing more is asked of it."""
        ...

    def again(self, stack: Stack) -> None:
        """Has a stack trained before those that come next."""
        ...

    def run(self, stacks: Iterator[Stack], here: Callable[[Stack], StackEnd]) -> Ended:
        """Yields stacks as they end.

        Args:
            stacks: asked for the next one when there is room for it.
            here: trains one in this process.
        """
        ...
