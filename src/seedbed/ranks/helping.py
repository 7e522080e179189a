"""Where the first rank writes checkpoints, the others help it, as each may hold a part of them."""

from typing import TYPE_CHECKING

from seedbed.training.recorder import Forwarding, NullRecorder, Recorder
from seedbed.training.training import Ended, Training

if TYPE_CHECKING:
    from seedbed.ranks.engine import RankEngine


class Helped(Forwarding):
    """Of the first rank: tells the others when all is written.

    Args:
        recorder: that writes.
        engine: of this rank.
    """

    def __init__(self, recorder: Recorder, engine: "RankEngine") -> None:
        super().__init__(recorder)
        self.engine = engine

    def save(self, training: Training) -> None:
        """See `Recorder`."""
        super().save(training)
        self.engine.helped()

    def ended(self, training: Training, ended: Ended) -> None:
        """See `Recorder`."""
        super().ended(training, ended)
        self.engine.helped()


class Helping(NullRecorder):
    """Of another rank: writes nothing itself.

    Args:
        engine: of this rank.
    """

    def __init__(self, engine: "RankEngine") -> None:
        self.engine = engine

    def save(self, training: Training) -> None:
        """See `Recorder`."""
        self.engine.help()

    def ended(self, training: Training, ended: Ended) -> None:
        """See `Recorder`."""
        self.engine.help()
