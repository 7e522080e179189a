"""What a sweep tells while it goes; the command line shows it, a notebook may keep it."""

from contextlib import AbstractContextManager, nullcontext

from seedbed.sweep.outcome import JobState


class SweepProgress:
    """Hears of a sweep, and says nothing; what shows it inherits."""

    def started(self, jobs: int, left: int) -> None:
        """The first job comes next.

        Args:
            jobs: of the whole sweep.
            left: that are to be run now; the others are complete.
        """

    def note(self, text: str) -> None:
        """Something a person should know, such as why jobs run singly."""

    def stack_started(self, number: int, runs: int) -> None:
        """Runs begin to train together.

        Args:
            number: of the stack in the sweep.
            runs: in it.
        """

    def stack_step(self, number: int, done: float, runs: int) -> None:
        """A step of a stack was made; called after every one, so it has to be quick.

        Args:
            number: of the stack.
            done: part of the stack's steps, from 0 to 1.
            runs: that are still in it.
        """

    def stack_ended(self, number: int) -> None:
        """A stack trains no more; its jobs have their outcomes, or run again."""

    def paused(self) -> AbstractContextManager[None]:
        """Inside, this has no thread, so that the process can be forked."""
        return nullcontext()

    def job_ended(self, record: JobState) -> None:
        """A job has its outcome."""

    def ended(self) -> None:
        """No more jobs."""
