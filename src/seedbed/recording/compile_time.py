"""Tells how long torch's compiler took, and keeps that out of a run's times."""

from collections.abc import Sequence

from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.compiling import CompiledForward
from seedbed.training.recorder import Forwarding, Recorder
from seedbed.training.training import Training

WAITING = "trainer.compile: the first step waits for torch's compiler, which may take a minute"


class CompileTime(Forwarding):
    """See `Forwarding`.

    Args:
        recorder: hears the same.
        compiled: the model's forward pass.
    """

    def __init__(self, recorder: Recorder, compiled: CompiledForward) -> None:
        super().__init__(recorder)
        self.compiled = compiled
        self._seconds = 0.0
        self._is_told = False

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        """See `Recorder`."""
        super().begin(training, resumed)
        self.note(WAITING)

    def step(self, training: Training) -> None:
        """See `Recorder`; a model may be compiled anew later on."""
        took = self.compiled.compiler.seconds - self._seconds
        if took:
            training.progress.clock.leave_out(took)
            self._seconds += took
        super().step(training)
        if self.compiled.was_called and not self._is_told:
            self._is_told = True
            self.note(self.compiled.report())
