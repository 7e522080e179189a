"""Which of the runs in training are done, and what ended a run before its epochs did."""

from seedbed.training.progress import Progress
from seedbed.training.run_length import MAX_TIME


def ended(progress: Progress) -> list[int]:
    """Slots of runs that are done: diverged, at their last epoch, or stopped early."""
    if not progress.batch and progress.must_end():
        return list(range(progress.num_active))
    may_end = progress.may_stop_early or progress.diverged or progress.asked
    if progress.epoch < progress.fewest_epochs and not may_end:
        return []
    return [slot for slot in range(progress.num_active) if _is_done(progress, slot)]


def _is_done(progress: Progress, slot: int) -> bool:
    run = progress.runs[slot]
    return (
        run in progress.diverged
        or (run in progress.asked and not progress.batch)
        or progress.epoch >= progress.configs[slot].trainer.epochs
        or _is_impatient(progress, slot)
    )


def _is_impatient(progress: Progress, slot: int) -> bool:
    """Whether the run's early stopping says so."""
    patience = progress.configs[slot].trainer.early_stopping.patience
    return patience is not None and int(progress.best.epochs_since[slot]) >= patience


def stopped_by(progress: Progress, slot: int) -> str | None:
    """The key or the callback that ended a run before its epochs did; None if there is none."""
    trainer, last = progress.configs[slot].trainer, progress.last_step
    if (asked := progress.asked.get(progress.runs[slot])) is not None:
        return asked
    if last is None or progress.steps_of(slot) < last:
        return None
    is_at_end = progress.step == progress.epoch * progress.batches
    if progress.epochs_of(slot) >= trainer.epochs and is_at_end:
        return None
    if last == trainer.max_steps:
        return f"trainer.max_steps={trainer.max_steps}"
    return f"{MAX_TIME}={trainer.max_time}"
