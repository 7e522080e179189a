"""The progress of a run as a bar on a terminal."""

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from seedbed.process import signals
from seedbed.training.reporter import Reporter
from seedbed.training.run_components import RunComponents
from seedbed.training.state import HistoryRow


class RunBar(Reporter):
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


def loss_text(row: HistoryRow) -> str:
    """The losses alone, short enough for a bar in 80 columns."""
    names = (("train/loss", "loss"), ("val/loss", "val"))
    return " ".join(f"{short} {row[name]:.4g}" for name, short in names if name in row)
