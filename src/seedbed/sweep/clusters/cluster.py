"""What is asked of a cluster: that it starts tasks, and tells which wait, run or are lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

NO_WORD = "an end without a word"
"""What a task died of, if nobody knows."""


@dataclass(frozen=True)
class Standing:
    """How a task stands that has not said how it ended.

    Args:
        kind: in the queue, with a process, or without one for good.
        why: what the queue says; of a lost one, what it "died of" and where to look.
    """

    kind: Literal["waiting", "running", "lost"]
    why: str = ""


class Cluster(Protocol):
    """Starts tasks somewhere; each calls `run_task` and reads and writes `TaskFiles`.

    Attributes:
        slots: tasks that it runs at a time, about; groups are split into as many stacks.
        threads: that a task's process may compute in.
        start_within: seconds that a task may wait, or None.
    """

    slots: int
    threads: int
    start_within: float | None

    def room(self, running: int) -> int:
        """How many tasks more it takes, beside those that it has."""
        ...

    def submit(self, names: Sequence[str]) -> None:
        """Has tasks started, whose files are written, by their names.

        Raises:
            SeedbedError: if it does not take them.
        """
        ...

    def look(self) -> Mapping[str, Standing]:
        """How tasks stand; one that is not told stands as it did."""
        ...

    def stop(self, names: Sequence[str]) -> None:
        """Takes tasks out of the queue, and has those that run end after their step."""
        ...

    def kill(self, names: Sequence[str]) -> None:
        """Ends tasks at once."""
        ...

    def close(self, *, wait: bool) -> None:
        """Nothing more is asked of it.

        Args:
            wait: whether the processes of the tasks are to be gone, as their folder is removed.
        """
        ...
