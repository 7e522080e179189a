"""A run that is ready to start, on one rank or by itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from seedbed.ranks.helping import Helped
from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.interrupt import Stopping
from seedbed.training.interval import Interval
from seedbed.training.recorder import Recorder
from seedbed.training.training import Training

if TYPE_CHECKING:
    from seedbed.ranks.engine import RankEngine


@dataclass
class Begun:
    """A run that is ready to start, on one rank or by itself.

    Args:
        training: of it.
        stop: whether it is to stop.
        saving: when checkpoints are due; None for what the config says.
        engine: of this rank; None for a run by itself.
    """

    training: Training
    stop: Stopping
    saving: Interval | None = None
    engine: "RankEngine | None" = None

    def tell(self, value: Any) -> None:
        """Tells the other ranks, which ask for it."""
        if self.engine is not None:
            self.engine.group.from_first(value)

    def agreed(self, value: Any) -> Any:
        """A value of this rank, the first one, which the others ask for at the same time."""
        return value if self.engine is None else self.engine.group.from_first(value)

    def go_on(self, last: Checkpoint | None, best: Checkpoint | None) -> None:
        """Has the other ranks go on from the checkpoints that the first one was restored from."""
        if self.engine is not None:
            self.engine.spread(last, best)

    def heard(self, recorder: Recorder) -> Recorder:
        """The recorder, which has the help of the other ranks."""
        return recorder if self.engine is None else Helped(recorder, self.engine)
