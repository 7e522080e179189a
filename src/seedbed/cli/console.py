"""What the commands print of runs and sweeps, and the exit codes that these come to."""

import sys

from seedbed.api.messages import Printed, Trained
from seedbed.process import signals
from seedbed.process.exit_codes import DONE, RUN_FAILED
from seedbed.remote.places import shown
from seedbed.runs.status import Status
from seedbed.sweep.outcome import SweepState


class Console(Printed):
    """Prints all that an operation says, with what to type next at its end.

    Args:
        waits: whether the end of a sweep is printed by `print_sweep` alone; what runs as Hydra's
            plugin is followed by Hydra's callbacks.
    """

    def __init__(self, *, waits: bool = False) -> None:
        self.code = DONE
        self._waits = waits
        self._ended: tuple[SweepState, str] | None = None

    def run_ended(self, trained: Trained) -> None:
        """See `Messages`."""
        if trained.was_put_back:
            self.code = RUN_FAILED
            print(f"error: {trained.status}: {trained.result['error']}", file=sys.stderr)
            print(f"run: {shown(trained.paths.root)}")
            return
        if not trained.told_elsewhere:
            from seedbed.cli.run_report import print_report

            print_report(trained)
        codes: dict[str, int] = {Status.COMPLETED: DONE, Status.INTERRUPTED: signals.exit_code()}
        self.code = codes.get(trained.status, RUN_FAILED)

    def sweep_ended(self, sweep: SweepState, monitor: str) -> None:
        """See `Messages`."""
        self._ended = sweep, monitor
        if not self._waits:
            self.print_sweep()

    @property
    def ended_sweep(self) -> SweepState:
        """The sweep that ended last."""
        assert self._ended is not None
        return self._ended[0]

    def print_sweep(self) -> int:
        """Prints how the sweep went that ended last; the exit code."""
        from seedbed.cli.sweep_report import print_report

        assert self._ended is not None
        self.code = print_report(*self._ended)
        return self.code


of_plugins = Console(waits=True)
"""Hears what Hydra's plugins run; they have no other way to tell the command line."""
