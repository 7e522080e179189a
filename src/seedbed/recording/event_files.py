"""The event files of the runs of a stack, encoded for all at once."""

import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seedbed.fused.stack import Stack
from seedbed.recording import tfrecords as records
from seedbed.recording.events import EventFile, hparams_of, result_tag, shows_rate
from seedbed.recording.results import draw_loss
from seedbed.runs.checkpoint import Snapshot
from seedbed.runs.directory import RunDirectory
from seedbed.runs.files import writing
from seedbed.runs.layout import EVENT_PREFIX
from seedbed.training.interval import parsed_interval
from seedbed.training.state import HistoryRow


@dataclass
class _Written:
    """How far an event file is.

    Args:
        path: of it.
        size: bytes that a run which goes on keeps, those that wait among them.
        epochs: that it tells of.
        waiting: records that are not written yet.
    """

    path: Path
    size: int = 0
    epochs: int = 0
    waiting: bytes = b""

    def add(self, content: bytes) -> None:
        """Records for its end, written with the next `flush`."""
        self.waiting += content
        self.size += len(content)

    def flush(self, ending: bytes = b"") -> None:
        """Writes what waits; a run that goes on cuts the ending off again."""
        if self.waiting or ending:
            with writing(self.path), self.path.open("ab") as file:
                file.write(self.waiting + ending)
            self.waiting = b""


class StackEvents:
    """One event file for each run.

    Args:
        directories: of the runs, by their number in the stack.
    """

    def __init__(self, directories: Mapping[int, RunDirectory]) -> None:
        self.directories = directories
        self._files: dict[int, _Written] = {}

    def begin(self, settings: Sequence[Mapping[str, Any]]) -> None:
        """Prepares new files, with the runs' settings for HPARAMS.

        Args:
            settings: the resolved config of each run that has a directory.
        """
        now = time.time()
        folders = {number: one.root.resolve() for number, one in self.directories.items()}
        # With its folder: the jobs of two sweeps have the same names.
        names = ["/".join(folder.parts[-2:]) for folder in folders.values()]
        starts = records.session_starts([hparams_of(one) for one in settings], names, now)
        version, *framed = records.framed([records.file_version(now), *starts])
        name = f"{EVENT_PREFIX}.{int(now):010d}.{socket.gethostname()}.{os.getpid()}.0"
        for (number, directory), start in zip(self.directories.items(), framed, strict=True):
            self._files[number] = _Written(directory.root / name)
            self._files[number].add(version + start)

    def write_start(self, number: int) -> None:
        """Makes the file of a run."""
        _remove_earlier(self.directories[number].root)
        self._files[number].flush()

    def started(self) -> None:
        """Notes that all files were made, perhaps by another process."""
        for file in self._files.values():
            file.waiting = b""

    def go_on(self, number: int, last: Snapshot) -> None:
        """Cuts the file of a run to the checkpoint that it goes on from."""
        events = EventFile(self.directories[number].root, last["events"])
        self._files[number] = _Written(events.path, events.size(), last["state"]["epoch"])
        events.close()

    def bytes_of(self, number: int) -> int:
        """How long a run's file is."""
        return self._files[number].size

    def add_points(self, stack: Stack, places: Iterable[int]) -> None:
        """Encodes the epochs since the last time."""
        interval = parsed_interval(stack.plan.configs[0].trainer.log_every)
        alike: dict[tuple[tuple[int, ...], bool], list[int]] = {}
        for place in places:
            number = stack.runs[place]
            if number in self._files:
                file, end = self._files[number], stack.epochs_of(place)
                last = stack.configs[place].trainer.epochs
                since = range(file.epochs + 1, end + 1)
                due = tuple(e for e in since if interval.after_epoch(e) or e == last)
                file.epochs = end
                rate = shows_rate(stack.configs[place].scheduler)
                alike.setdefault((due, rate), []).append(number)
        for (due, rate), runs in alike.items():
            contents = _points(stack, due, runs, rate=rate)
            for number, content in zip(runs, contents, strict=True):
                self._files[number].add(content)

    def flush(self, numbers: Iterable[int]) -> None:
        """Writes what waits."""
        for number in numbers:
            self._files[number].flush()

    def draw(self, number: int, rows: Sequence[HistoryRow]) -> None:
        """Adds the picture of the loss, and writes `loss.png`."""
        self._files[number].flush()
        events = EventFile(self.directories[number].root, self._files[number].size)
        draw_loss(rows, self.directories[number], events)
        self._files[number].size = events.size()
        events.close()

    def end(self, number: int, ending: bytes) -> None:
        """Writes what waits, those of `result_records` and one of `endings`."""
        self._files[number].flush(ending)


def endings() -> dict[bool, bytes]:
    """What ends the file of a run that ends now, by whether it succeeded."""
    now = time.time()
    failed, succeeded = records.framed([records.session_end(one, now) for one in (False, True)])
    return {False: failed, True: succeeded}


def result_records(steps: Sequence[int], metrics: Sequence[Mapping[str, float]]) -> list[bytes]:
    """The metrics of `result.json` of runs that end now.

    Args:
        steps: that each run made.
        metrics: of each run.
    """
    now, records_of = np.array([time.time()]), [b""] * len(metrics)
    alike: dict[tuple[int, tuple[str, ...]], list[int]] = {}
    for at, (step, one) in enumerate(zip(steps, metrics, strict=True)):
        alike.setdefault((step, tuple(one)), []).append(at)
    for (step, names), members in alike.items():
        values = np.array([[[metrics[at][name] for name in names]] for at in members], np.float32)
        tags = [result_tag(name) for name in names]
        made = records.scalar_records(tags, np.array([step], np.int64), now, values)
        for at, content in zip(members, made if names else [], strict=bool(names)):
            records_of[at] = content
    return records_of


def _points(stack: Stack, epochs: Sequence[int], runs: Sequence[int], *, rate: bool) -> list[bytes]:
    """The losses and metrics of some epochs of each run, and with `rate` the learning rate."""
    at = [epoch - 1 for epoch in epochs]
    names = [name for name in stack.columns if "/" in name]
    sources = [*names, "lr"] if rate else names
    columns = [stack.history[name][np.ix_(at, runs)].T for name in sources]
    values = np.stack(columns, axis=2).astype(np.float32)
    steps = np.array(epochs, dtype=np.int64) * stack.plan.batches.batches
    tags = [*names, "train/lr"] if rate else names
    return records.scalar_records(tags, steps, stack.times[at], values)


def _remove_earlier(folder: Path) -> None:
    """Files of an earlier start that came to no checkpoint; a run has one."""
    with os.scandir(folder) as entries:
        earlier = [entry.path for entry in entries if entry.name.startswith(EVENT_PREFIX)]
    for path in earlier:
        with writing(Path(path)):
            Path(path).unlink()
