"""The event files of runs in training: one file a run, encoded for all runs at once.

Points wait in memory until a checkpoint, the end of the run, or, of a run that is followed live,
about a second.
"""

import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event

from seedbed.recording import tfrecords
from seedbed.recording.events import (
    file_version,
    hparams_of,
    image_summary,
    result_tag,
    session_end,
    session_starts,
    shows_rate,
)
from seedbed.recording.figure import Picture
from seedbed.runs.checkpoint import Checkpoint
from seedbed.runs.directory import RunDirectory
from seedbed.runs.layout import EVENT_PREFIX, event_files
from seedbed.runs.run_files import RunFiles
from seedbed.training.interval import Interval, parsed_interval
from seedbed.training.progress import Progress

RUNNING_LOSS = "train/running_loss"
LOSS_PICTURE = "view/loss_curve"
"""Tag of the picture; it sorts behind the curves, which would be off the screen otherwise."""


@dataclass
class _EventFile:
    """How far an event file is.

    Args:
        path: of it.
        files: that it is written with.
        size: bytes that a run which goes on keeps, those that wait among them.
        epochs: that it tells of.
        waiting: records that are not written yet.
        steps: step, time and mean loss of points within epochs that are not encoded yet.
    """

    path: Path
    files: RunFiles
    size: int = 0
    epochs: int = 0
    waiting: bytes = b""
    steps: list[tuple[int, float, float]] = field(default_factory=list)

    def add(self, records: bytes) -> None:
        """Records for its end, written with the next `flush`."""
        self.waiting += records
        self.size += len(records)

    def flush(self, ending: bytes = b"") -> None:
        """Writes what waits; a run that goes on cuts the ending off again."""
        if self.waiting or ending:
            self.files.append(self.path, self.waiting + ending)
            self.waiting = b""


class EventFiles:
    """One event file for each run.

    Args:
        directories: of the runs, by number.
    """

    def __init__(self, directories: Mapping[int, RunDirectory]) -> None:
        self.directories = directories
        self._files: dict[int, _EventFile] = {}

    def begin(self, settings: Sequence[Mapping[str, Any]]) -> None:
        """Prepares new files, with the runs' settings for HPARAMS.

        Args:
            settings: the resolved config of each run.
        """
        now = time.time()
        folders = {number: one.root.resolve() for number, one in self.directories.items()}
        # With its folder: the jobs of two sweeps have the same names.
        names = ["/".join(folder.parts[-2:]) for folder in folders.values()]
        starts = session_starts([hparams_of(one) for one in settings], names, now)
        version, *framed = tfrecords.framed([file_version(now), *starts])
        for (number, directory), start in zip(self.directories.items(), framed, strict=True):
            self._files[number] = _EventFile(directory.root / _new_name(now), directory.files)
            self._files[number].add(version + start)

    def write_start(self, number: int) -> None:
        """Makes the file of a run."""
        _remove_earlier(self.directories[number])
        self._files[number].flush()

    def started(self) -> None:
        """Notes that all files were made, perhaps by another process."""
        for file in self._files.values():
            file.waiting = b""

    def go_on(self, number: int, last: Checkpoint) -> None:
        """Cuts the file of a run to the checkpoint that it goes on from."""
        directory = self.directories[number]
        name, files = _new_name(time.time()), directory.files
        file = _EventFile(directory.root / name, files, epochs=last["state"]["epoch"])
        earlier = event_files(files.names(directory.root))
        if len(earlier) == 1:
            file.path, file.size = directory.root / earlier[0], last["events"]
            files.cut(file.path, file.size)
        else:
            _remove_earlier(directory)
            file.add(tfrecords.framed([file_version(time.time())])[0])
        self._files[number] = file

    def bytes_of(self, number: int) -> int:
        """How long a run's file is."""
        return self._files[number].size

    def add_points(self, progress: Progress, slots: Iterable[int]) -> None:
        """Encodes the epochs since the last time."""
        interval = parsed_interval(progress.trainer.log_every)
        alike: dict[tuple[tuple[int, ...], bool], list[int]] = {}
        for slot in slots:
            number = progress.runs[slot]
            if number in self._files:
                file, end = self._files[number], progress.epochs_of(slot)
                self._encode_steps(file)
                config = progress.configs[slot]
                since = range(file.epochs + 1, end + 1)
                due = tuple(e for e in since if epoch_is_logged(interval, e, config.trainer.epochs))
                file.epochs = end
                alike.setdefault((due, shows_rate(config.scheduler)), []).append(number)
        for (due, rate), runs in alike.items():
            contents = _points(progress, due, runs, rate=rate)
            for number, content in zip(runs, contents, strict=True):
                self._files[number].add(content)

    def add_step(self, number: int, step: int, mean_loss: float) -> None:
        """A point of the loss within an epoch."""
        self._files[number].steps.append((step, time.time(), mean_loss))

    def _encode_steps(self, file: _EventFile) -> None:
        if file.steps:
            steps, times, losses = (np.array(one) for one in zip(*file.steps, strict=True))
            values = losses.astype(np.float32)[None, :, None]
            (content,) = tfrecords.scalar_records([RUNNING_LOSS], steps, times, values)
            file.add(content)
            file.steps.clear()

    def add_event(self, number: int, **content: Any) -> None:
        """Something else, such as a histogram or a graph, as the fields of an event."""
        self._files[number].add(_record(**content))

    def add_records(self, number: int, records: bytes) -> None:
        """Records that are encoded already."""
        if number in self._files:
            self._files[number].add(records)

    def flush(self, numbers: Iterable[int]) -> None:
        """Writes what waits."""
        for number in numbers:
            self._files[number].flush()

    def end(self, number: int, ending: bytes) -> None:
        """Writes what waits, those of `result_records` and one of `endings`."""
        if number in self._files:
            self._files[number].flush(ending)


def picture_record(picture: Picture, step: int) -> bytes:
    """The picture of the loss, of a run that ends now."""
    return _record(summary=image_summary(LOSS_PICTURE, *picture), step=step)


def _record(**content: Any) -> bytes:
    event = Event(wall_time=time.time(), **content).SerializeToString()
    return tfrecords.framed([event])[0]


def endings() -> dict[bool, bytes]:
    """What ends the file of a run that ends now, by whether it succeeded."""
    now = time.time()
    failed, succeeded = tfrecords.framed([session_end(one, now) for one in (False, True)])
    return {False: failed, True: succeeded}


def result_records(steps: Sequence[int], metrics: Sequence[Mapping[str, float]]) -> list[bytes]:
    """The metrics of `result.json` of runs that end now, under names of their own.

    Args:
        steps: that each run made.
        metrics: of each run.
    """
    now, records_of = np.array([time.time()]), [b""] * len(metrics)
    alike: dict[tuple[int, tuple[str, ...]], list[int]] = {}
    for index, (step, one) in enumerate(zip(steps, metrics, strict=True)):
        alike.setdefault((step, tuple(one)), []).append(index)
    for (step, names), members in alike.items():
        values = np.array([[[metrics[i][name] for name in names]] for i in members], np.float32)
        tags = [result_tag(name) for name in names]
        made = tfrecords.scalar_records(tags, np.array([step], np.int64), now, values)
        for index, content in zip(members, made if names else [], strict=bool(names)):
            records_of[index] = content
    return records_of


def epoch_is_logged(interval: Interval, epoch: int, last: int) -> bool:
    """Whether an epoch has a point: where steps or seconds are counted, each epoch has."""
    return interval.unit != "epochs" or interval.after_epoch(epoch) or epoch == last


def _points(
    progress: Progress, epochs: Sequence[int], runs: Sequence[int], *, rate: bool
) -> list[bytes]:
    """The losses and metrics of some epochs of each run, and with `rate` the learning rate."""
    rows = [epoch - 1 for epoch in epochs]
    sources = [*progress.metric_names, *(["lr"] if rate else [])]
    columns = [progress.history.columns[name][np.ix_(rows, runs)].T for name in sources]
    values = np.stack(columns, axis=2).astype(np.float32)
    steps = progress.history.steps[rows]
    tags = [*progress.metric_names, *(["train/lr"] if rate else [])]
    return tfrecords.scalar_records(tags, steps, progress.history.times[rows], values)


def _new_name(now: float) -> str:
    return f"{EVENT_PREFIX}.{int(now):010d}.{socket.gethostname()}.{os.getpid()}.0"


def _remove_earlier(directory: RunDirectory) -> None:
    """Files of an earlier start that came to no checkpoint; a run has one."""
    for name in directory.files.names(directory.root):
        if name.startswith(EVENT_PREFIX):
            directory.files.remove(directory.root / name)
