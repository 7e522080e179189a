"""The lines of `run.log`: what is trained, on what, how it went and how it ended."""

import logging
import time
from collections.abc import Mapping

from seedbed.runs.directory import RunDirectory
from seedbed.training.progress import Progress
from seedbed.training.reporter import ShownEpochs, epoch_text, introduction
from seedbed.training.run_components import RunComponents
from seedbed.training.training import EndedRun

log = logging.getLogger("seedbed")


class RunLog:
    """Writes what runs have to say.

    Args:
        directories: of the runs, by number.
        plan: of the first run.
        live: whether one run alone is told as it goes, by way of `logging`; else each file is
            written at the end of its run, without the lines of epochs.
        size: runs that are trained together.
    """

    def __init__(
        self, directories: Mapping[int, RunDirectory], plan: RunComponents, *, live: bool, size: int
    ) -> None:
        self.directories = directories
        self.plan = plan
        self.live = live
        self.size = size
        self._shown = ShownEpochs(plan.config.trainer.epochs)

    def begin(self) -> None:
        """The first step comes next."""
        if self.live:
            for line in self._introduction:
                log.info(line)

    @property
    def _introduction(self) -> list[str]:
        notes = [f"note: {note}" for note in self.plan.notes]
        together = [] if self.live else [f"trained among {self.size} runs as one computation"]
        return [*together, *notes, introduction(self.plan)]

    def epoch(self, progress: Progress) -> None:
        """An epoch was closed."""
        if self._shown.due(progress.epoch):
            log.info(epoch_text(progress.last_row(), self.plan.config.trainer.epochs))

    def note(self, text: str) -> None:
        """Something a person should know; a run of a stack is told its own at its end."""
        if self.live:
            log.info("note: %s", text)

    def ended(self, number: int, closing: str, run: EndedRun, note: str | None) -> None:
        """A run came to its end.

        Args:
            number: of the run.
            closing: the line that tells its metrics.
            run: how it ended.
            note: on its monitored value, if that was no number.
        """
        error = [f"{run.status}: {run.error}"] if run.error else []
        if self.live:
            log.info(closing)
            for line in error:
                log.error(line)
            return
        notes = [f"note: {note}"] if note else []
        now = time.time()
        at = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))},{int(now % 1 * 1000):03}"
        lines = [*self._introduction, *notes, closing, *error]
        text = "".join(f"{at} INFO seedbed: {line}\n" for line in lines)
        directory = self.directories[number]
        directory.files.append(directory.log, text.encode())
