"""Leaves a complete run directory for every run of a stack, with what runs share made once."""

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from seedbed.runs.directory import RunDirectory
from seedbed.runs.environment import environment
from seedbed.runs.files import json_text, write_all, write_bytes, write_text, write_yaml, writing
from seedbed.runs.layout import EVENT_PREFIX
from seedbed.training.checkpoint import Snapshot
from seedbed.training.events import EventFile, hparams_of
from seedbed.training.fused import records
from seedbed.training.fused.archives import archive
from seedbed.training.fused.plan import StackPlan
from seedbed.training.fused.snapshots import (
    best_snapshot,
    history_rows,
    last_snapshot,
    state_dict,
)
from seedbed.training.fused.stack import Stack
from seedbed.training.fused.train import Ended
from seedbed.training.interval import parsed_interval
from seedbed.training.results import Ending, draw_loss, history_text, result_of


@dataclass
class StackRun:
    """A run of a stack, and its directory.

    Args:
        plain: the resolved config.
        directory: claimed for it.
        events: its event file.
        points: epochs that are in it.
        written: bytes of it.
        has_last: whether there is a checkpoint.
        result: content of `result.json`, at its end.
    """

    plain: Mapping[str, Any]
    directory: RunDirectory
    events: Path = field(default_factory=Path)
    points: int = 0
    written: int = 0
    has_last: bool = False
    result: dict[str, Any] | None = None


class StackWriter:
    """See `StackRecorder`.

    Args:
        plan: of the stack.
        runs: in the order of the plan; those that are None are trained, and not written.
        engine: what `result.json` says of the engine.
        step: called after every step with the part that is done, and the runs still in the stack.
    """

    def __init__(
        self,
        plan: StackPlan,
        runs: Sequence[StackRun | None],
        engine: Mapping[str, Any],
        step: Callable[[float, int], None],
    ) -> None:
        self.plan = plan
        self.runs = list(runs)
        self.engine = engine
        self.step = step
        epochs = max(config.trainer.epochs for config in plan.configs)
        self.steps = epochs * plan.batches.batches
        self._environments: dict[int, bytes] = {}
        self._preprocessings: dict[int, bytes] = {}

    def begin(self, last: Sequence[Snapshot] | None = None) -> None:
        """Writes what a run has from its start.

        Args:
            last: the checkpoints that the runs go on from; their event files are cut to them.
        """
        now = time.time()
        written = [run for run in self.runs if run is not None]
        names = ["/".join(run.directory.root.resolve().parts[-2:]) for run in written]
        if last is None:
            settings = [hparams_of(run.plain) for run in written]
            starts = records.framed(records.session_starts(settings, names, now))
            (version,) = records.framed([records.file_version(now)])
        file = f"{EVENT_PREFIX}.{int(now):010d}.{socket.gethostname()}.{os.getpid()}.0"
        at = -1
        for place, run in enumerate(self.runs):
            if run is None:
                continue
            at += 1
            directory, data = run.directory, self.plan.data[place]
            directory.write_status("running")
            with writing(directory.checkpoints):
                directory.checkpoints.mkdir(exist_ok=True)
            write_bytes(directory.preprocessing, self._preprocessing(data))
            write_bytes(directory.environment, self._environment(data))
            if last is None:
                _remove_events(directory.root)
                run.events = directory.root / file
                self._append(run, version + starts[at])
            else:
                self._go_on(run, last[place])
            # Last: where there is a config, a run that was killed finds all that it needs.
            write_yaml(directory.config, dict(run.plain))

    def save(self, stack: Stack) -> None:
        """Checkpoints of all runs, on the disk together."""
        standings = self.plan.schedules.standings()
        places = range(stack.real)
        self._write_points(stack, list(places), final=False)
        for kind in ("best", "last"):  # killed in between, the best is made again
            files = []
            for place in places:
                run = self.runs[stack.runs[place]]
                if run is None:
                    continue
                if kind == "best":
                    files.append((run.directory.best, archive(best_snapshot(stack, place))))
                    continue
                snapshot = last_snapshot(stack, place, standings[place])
                files.append((run.directory.last, archive({**snapshot, "events": run.written})))
                run.has_last = True
            write_all(files, flush=True)

    def progress(self, stack: Stack) -> None:
        """Tells how far the stack is."""
        self.step(stack.step / self.steps, stack.real)

    def ended(self, stack: Stack, ended: Ended) -> None:
        """All that is left of runs at their end."""
        standings = self.plan.schedules.standings()
        self._write_points(stack, ended.places, final=True)
        for at, place in enumerate(ended.places):
            run = self.runs[stack.runs[place]]
            if run is None:
                continue
            diverged = stack.diverged.get(stack.runs[place])
            epochs = diverged.epochs if diverged else stack.epoch
            rows = history_rows(stack, stack.runs[place], epochs)
            best = archive(best_snapshot(stack, place))
            write_bytes(run.directory.best, best)
            if not diverged:
                last = {**last_snapshot(stack, place, standings[place]), "events": run.written}
                write_bytes(run.directory.last, archive(last))
            elif not run.has_last:
                write_bytes(run.directory.last, best)
            weights = state_dict(stack, ended.weights[place], ended.kept, place)
            write_bytes(run.directory.model, archive(weights))
            write_text(run.directory.history, history_text(rows, self.plan.metric_names))
            ending = Ending(
                ended.status[at],
                ended.metrics[at],
                stack.best_of(place),
                epochs,
                diverged.steps if diverged else stack.step,
                sum(row["seconds"] for row in rows),
                ended.errors[at],
            )
            run.result = result_of(self.plan.first, run.plain, ending, self.engine)
            write_text(run.directory.result, json_text(run.result) + "\n")
            if stack.configs[place].sweep.plot:
                events = EventFile(run.directory.root, run.written)
                draw_loss(rows, run.directory, events)
                run.written = events.size()
                events.close()
            self._log(run, stack)
            self._append(run, self._session_end(ended.status[at] == "completed"))
            run.directory.write_status(ended.status[at], ended.errors[at])
            run.directory.release()

    def _log(self, run: StackRun, stack: Stack) -> None:
        now = time.strftime("%Y-%m-%d %H:%M:%S")
        lines = [f"trained among {len(self.runs)} runs as one computation"]
        lines += [*self.plan.first.data.notes]
        if run.result and run.result.get("error"):
            lines.append(f"{run.result['status']}: {run.result['error']}")
        text = "".join(f"{now} INFO seedbed: {line}\n" for line in lines)
        with writing(run.directory.log), run.directory.log.open("a", encoding="utf-8") as file:
            file.write(text)

    def _write_points(self, stack: Stack, places: Sequence[int], *, final: bool) -> None:
        """Appends the epochs since the last time to the event files."""
        interval = parsed_interval(self.plan.configs[0].trainer.log_every)
        tags = [name for name in stack.columns if "/" in name]
        alike: dict[tuple[int, ...], list[int]] = {}
        for place in places:
            run = self.runs[stack.runs[place]]
            if run is None:
                continue
            diverged = stack.diverged.get(stack.runs[place])
            end = diverged.epochs if diverged else stack.epoch
            last = stack.configs[place].trainer.epochs
            epochs = range(run.points + 1, end + 1)
            due = tuple(e for e in epochs if interval.after_epoch(e) or e == last)
            run.points = end
            alike.setdefault(due, []).append(stack.runs[place])
        for due, runs in alike.items():
            at = [epoch - 1 for epoch in due]
            columns = [*tags, "lr"]
            values = np.stack([stack.history[name][np.ix_(at, runs)].T for name in columns], axis=2)
            steps = np.array(due, dtype=np.int64) * self.plan.batches.batches
            made = records.scalar_records(
                [*tags, "train/lr"], steps, stack.times[at], values.astype(np.float32)
            )
            for number, content in zip(runs, made, strict=True):
                self._append(self.runs[number], content)  # type: ignore[arg-type]

    def _append(self, run: StackRun, content: bytes) -> None:
        if content:
            with writing(run.events), run.events.open("ab") as file:
                file.write(content)
            run.written += len(content)

    def _go_on(self, run: StackRun, last: Snapshot) -> None:
        events = EventFile(run.directory.root, last["events"])
        run.events, run.written = events.path, events.size()
        events.close()
        run.points = last["state"]["epoch"]
        run.has_last = True

    def _session_end(self, succeeded: bool) -> bytes:
        (framed,) = records.framed([records.session_end(succeeded, time.time())])
        return framed

    def _preprocessing(self, data: Any) -> bytes:
        if id(data) not in self._preprocessings:
            text = json_text(data.preprocessing.to_json()) + "\n"
            self._preprocessings[id(data)] = text.encode()
        return self._preprocessings[id(data)]

    def _environment(self, data: Any) -> bytes:
        if id(data) not in self._environments:
            import torch

            threads = self.plan.configs[0].trainer.threads or torch.get_num_threads()
            told = environment(str(self.plan.device), threads, dict(data.fingerprint))
            self._environments[id(data)] = (json_text(told) + "\n").encode()
        return self._environments[id(data)]


def _remove_events(folder: Path) -> None:
    """Those of an earlier start that came to no checkpoint; a run has one event file."""
    with os.scandir(folder) as entries:
        earlier = [entry.path for entry in entries if entry.name.startswith(EVENT_PREFIX)]
    for path in earlier:
        with writing(Path(path)):
            Path(path).unlink()
