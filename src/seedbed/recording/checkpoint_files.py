"""Writes the checkpoints of runs in training: when they are due, and at the end of each run."""

from collections.abc import Sequence

from seedbed.recording.archives import archive
from seedbed.recording.event_files import EventFiles
from seedbed.recording.ours import Ours
from seedbed.runs.run_files import Content
from seedbed.runs.same_files import SameFiles
from seedbed.training.training import Training


class CheckpointFiles:
    """`last.pt` and `best.pt` of each run.

    Their content takes its time, in which another process may go on with the runs: whose they are
    is asked after it, as they are written.

    Args:
        ours: the runs.
        events: of the runs; a checkpoint tells how long its run's file is.
        alone: whether it is one run by itself, whose files are on the disk at once.
    """

    def __init__(self, ours: Ours, events: EventFiles, *, alone: bool) -> None:
        self.ours, self.runs, self.events, self.alone = ours, ours.runs, events, alone
        files = {id(run.directory.files): run.directory.files for run in self.runs.values()}
        self._stores = list(files.values())

    def save(self, training: Training, slots: Sequence[int]) -> None:
        """Writes those of runs that go on, on the disk together."""
        progress = training.progress
        for files in self._stores:
            there = [s for s in slots if self.runs[progress.runs[s]].directory.files is files]
            best, last = [], []
            for slot in there:
                run, epoch = self.runs[progress.runs[slot]], int(progress.best.copied_at[slot])
                if run.saved_best != epoch:
                    best.append((run.directory.best, archive(training.checkpoint(slot, "best"))))
                    run.saved_best = epoch
                last.append((run.directory.last, self._last(training, slot)))
                run.has_last = True
            self.ours.refuse_taken(progress.runs[slot] for slot in there)
            files.write_all(best, flush=True)  # first: killed in between, it is made again
            files.write_all(last, flush=True)

    def end(self, training: Training, slot: int) -> None:
        """Writes the last ones of a run; of one that diverged, the last good one."""
        progress, number = training.progress, training.progress.runs[slot]
        run, same = self.runs[number], SameFiles()
        paths, files = run.directory, run.directory.files
        if number in progress.diverged:
            best = archive(training.checkpoint(slot, "best"))
            self.ours.refuse_taken([number])
            if self.alone or run.has_last:
                files.write(paths.best, best, flush=self.alone)
            else:
                files.write_same(paths.best, best, same)
            if not run.has_last:
                files.write_same(paths.last, best, same)
            return
        last = self._last(training, slot)
        is_best = progress.best.copied_at[slot] == progress.epoch and not progress.batch
        if not self.alone and is_best:  # the best epoch is the last
            self.ours.refuse_taken([number])
            files.write_same(paths.last, last, same)
            files.write_same(paths.best, last, same)
            return
        written = [(paths.last, last)]
        if run.saved_best != progress.best.copied_at[slot]:
            written.append((paths.best, archive(training.checkpoint(slot, "best"))))
        self.ours.refuse_taken([number])
        for path, content in written:
            files.write(path, content, flush=self.alone)

    def _last(self, training: Training, slot: int) -> Content:
        events = self.events.bytes_of(training.progress.runs[slot])
        return archive({**training.checkpoint(slot, "last"), "events": events})
