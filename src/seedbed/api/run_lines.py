"""The progress of a run in a few plain lines, where no terminal shows a bar."""

import time

from seedbed.training.reporter import LINE_SECONDS, Reporter, ShownEpochs, epoch_text
from seedbed.training.run_components import RunComponents
from seedbed.training.state import HistoryRow


class RunLines(Reporter):
    """Plain lines: the first epoch, every tenth part, the last."""

    def started(self, plan: RunComponents) -> None:
        """See `Reporter`."""
        self.epochs = plan.config.trainer.epochs
        self.reported = ShownEpochs(self.epochs)
        self.trained = 0
        self.began = self.printed = self.first_ended = time.monotonic()

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        """See `Reporter`."""
        if time.monotonic() - self.printed > LINE_SECONDS:
            print(f"epoch {epoch + 1}/{self.epochs}  batch {batch}/{batches}", flush=True)
            self.printed = time.monotonic()

    def epoch_done(self, row: HistoryRow) -> None:
        """See `Reporter`."""
        epoch = int(row["epoch"])
        now = time.monotonic()
        if self.reported.due(epoch):
            print(f"{epoch_text(row, self.epochs)}{self._left(epoch, now)}", flush=True)
            self.printed = now
        if self.trained == 0:
            self.first_ended = now
        self.trained += 1

    def _left(self, epoch: int, now: float) -> str:
        """The time left; a short first epoch tells nothing, as it loads what is loaded once."""
        if self.trained:
            each = (now - self.first_ended) / self.trained
        elif now - self.began > LINE_SECONDS:
            each = now - self.began
        else:
            return ""
        return f"  {each * (self.epochs - epoch):.0f} s left"

    def note(self, text: str) -> None:
        """See `Reporter`."""
        print(f"note: {text}", flush=True)
