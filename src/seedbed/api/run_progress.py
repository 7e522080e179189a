"""A run's progress: a bar on a terminal, a few plain lines elsewhere."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from seedbed.process import signals
from seedbed.training.reporter import LINE_SECONDS, Reporter, ShownEpochs, epoch_text
from seedbed.training.run_components import RunComponents
from seedbed.training.state import HistoryRow


def reporter() -> Reporter:
    """The one that suits standard output."""
    return Bar() if sys.stdout.isatty() else Lines()


def loss_text(row: HistoryRow) -> str:
    """The losses alone, short enough for a bar in 80 columns."""
    names = (("train/loss", "loss"), ("val/loss", "val"))
    return " ".join(f"{short} {row[name]:.4g}" for name, short in names if name in row)


class Lines(Reporter):
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


class Bar(Reporter):
    """A bar that says epoch, loss, rate and time left."""

    def started(self, plan: RunComponents) -> None:
        """See `Reporter`."""
        self.epochs = plan.config.trainer.epochs
        self.progress = Progress(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(bar_width=16),
            TextColumn("{task.fields[loss]}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=Console(),
        )
        self.task = self.progress.add_task(
            "", total=self.epochs, epoch=0, epochs=self.epochs, loss="", rate=""
        )
        signals.at_end.append(signals.show_cursor)
        self.progress.start()
        self.began = self.reported = time.monotonic()
        self.steps_an_epoch = plan.updates

    def batch_done(self, epoch: int, batch: int, batches: int) -> None:
        """See `Reporter`."""
        rate = (epoch * batches + batch) / (time.monotonic() - self.began)
        self.progress.update(
            self.task,
            completed=epoch + batch / batches,
            epoch=epoch + 1,
            rate=f"{rate:.0f} steps/s",
        )

    def epoch_done(self, row: HistoryRow) -> None:
        """See `Reporter`."""
        now = time.monotonic()
        epoch = int(row["epoch"])
        if now - self.reported > 0.1 or epoch == self.epochs:
            rate = row["step"] / (now - self.began)
            self.progress.update(
                self.task,
                completed=epoch,
                epoch=epoch,
                loss=loss_text(row),
                rate=f"{rate:.0f} steps/s",
            )
            self.reported = now

    def note(self, text: str) -> None:
        """See `Reporter`."""
        self.progress.console.print(f"note: {text}", markup=False, highlight=False, soft_wrap=True)

    def ended(self) -> None:
        """See `Reporter`."""
        self.progress.stop()
        signals.forget(signals.show_cursor)
