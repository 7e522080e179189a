"""The article's loop, for one run or many: every epoch, every batch, loss, gradient, update.

An engine does the arithmetic (`single.py` of one run, `fused/engine.py` of many), `progress.py`
decides how each run stands, and a recorder keeps what is worth keeping.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from seedbed.errors import DataError
from seedbed.runs.checkpoint import Checkpoint
from seedbed.training.engine import Rows, Unseen
from seedbed.training.interrupt import Stopping
from seedbed.training.interval import Interval, parsed_interval
from seedbed.training.monitoring import note_undefined
from seedbed.training.recorder import Recorder
from seedbed.training.run_ends import ended
from seedbed.training.training import Training


def train(
    training: Training,
    recorder: Recorder,
    stop: Stopping,
    resumed: Sequence[Checkpoint] | None = None,
    saving: Interval | None = None,
) -> None:
    """Trains every run to its own end.

    Args:
        training: the runs, new or restored.
        recorder: hears what happens.
        stop: whether the user asked to stop; the runs left are interrupted then.
        resumed: the checkpoints that the runs were restored from; None if they are new.
        saving: when checkpoints are due; None for what the config says.

    Raises:
        Exception: whatever the user's own model or data raises.
    """
    engine, progress = training.engine, training.progress
    due = saving or parsed_interval(progress.trainer.checkpoint_every)

    def unseen() -> int:
        """Steps that may be made before somebody looks; an engine may make them in one call."""
        left = min(due.steps_left(progress.step), recorder.steps_left(progress.step))
        return min(left, progress.steps_left)

    with engine.settings(), _saved_if_broken(training, recorder):
        if resumed is None:
            engine.remember_best(np.ones(len(progress.configs), dtype=np.bool_))
        recorder.begin(training, resumed)
        while _runs_left(training, recorder) and not stop.requested:
            progress.begin_epoch()
            for x, y in _batches_left(training, unseen):
                losses = engine.step(x, y)  # forward, loss, gradient, update
                counts, rates = engine.batch_weight(y), engine.learning_rates()
                progress.add_step(losses, counts, rates, engine.beside)
                engine.end_batch()
                recorder.step(training)
                if due.after_step(progress.step):
                    _save(training, recorder)
                if stop.requested or progress.all_diverged or progress.must_end():
                    break
            progress.check(engine.finite())
            if progress.all_diverged or progress.batch < progress.batches_now:
                continue
            engine.average_epoch(progress.epoch + 1)
            row = training.row()
            monitored = row[progress.best.monitor.name]
            engine.end_epoch(monitored)
            progress.close_epoch(row)
            engine.remember_best(progress.update_best(monitored))
            recorder.epoch(training)
            if note := note_undefined(progress, row):
                recorder.note(note)
            if due.after_epoch(progress.epoch):
                _save(training, recorder)
        if progress.runs:
            why = f"stopped in epoch {progress.epoch + 1} after step {progress.step}"
            recorder.ended(training, training.end(range(progress.num_active), why))


def _batches_left(training: Training, unseen: Unseen) -> Iterable[Rows]:
    """Of the epoch in training; none where the run's last step was made before it was stopped."""
    progress = training.progress
    if progress.batch and progress.must_end():
        return ()
    return training.engine.batches(progress.epoch, progress.batch, unseen)


@contextmanager
def _saved_if_broken(training: Training, recorder: Recorder) -> Iterator[None]:
    """Saves the steps so far where the data breaks, as a file does that changes meanwhile."""
    try:
        yield
    except DataError:
        if training.progress.runs:
            _save(training, recorder)
        raise


def _runs_left(training: Training, recorder: Recorder) -> bool:
    """Hands over the runs that are done, and closes the gaps; whether any is left."""
    progress = training.progress
    if done := ended(progress):
        recorder.ended(training, training.end(done))
        left = sorted(set(range(progress.num_active)) - set(done))
        if not left:
            progress.runs = []
            return False
        training.select(left)
    return True


def _save(training: Training, recorder: Recorder) -> None:
    """Has checkpoints written of weights that are finite."""
    training.progress.check(training.engine.finite())
    if not training.progress.all_diverged:
        recorder.save(training)
