"""Leaves a complete run directory for every run of a stack, with what runs share made once."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seedbed.fused.plan import StackPlan
from seedbed.fused.schedules import Standing
from seedbed.fused.snapshots import (
    best_snapshot,
    history_rows,
    last_snapshot,
    state_dict,
)
from seedbed.fused.stack import Stack
from seedbed.fused.train import Ended
from seedbed.process.fork_map import fork_map
from seedbed.recording.archives import archive
from seedbed.recording.event_files import StackEvents, endings, result_records
from seedbed.recording.results import Ending, closing_text, history_text, result_of
from seedbed.runs.checkpoint import Snapshot
from seedbed.runs.code import code_of
from seedbed.runs.directory import RunDirectory
from seedbed.runs.environment import environment
from seedbed.runs.files import (
    json_text,
    write_all,
    write_bytes,
    write_same,
    write_text,
    write_yaml,
    writing,
)
from seedbed.training.arithmetic import arithmetic
from seedbed.training.reporter import introduction

SERIAL_COPY = 2**14
"""Numbers in a row of weights; torch copies longer ones in threads, which a fork does not have."""


@dataclass
class StackRun:
    """A run of a stack, and its directory.

    Args:
        plain: the resolved config.
        directory: claimed for it.
        has_last: whether there is a checkpoint.
        result: content of `result.json`, at its end.
    """

    plain: Mapping[str, Any]
    directory: RunDirectory
    has_last: bool = False
    result: dict[str, Any] | None = None


class StackWriter:
    """See `StackRecorder`.

    Args:
        plan: of the stack.
        runs: in the order of the plan; those that are None are trained, and not written.
        engine: what `result.json` says of the engine.
        step: called after every step with the part that is done, and the runs still in the stack.
        note: called with what a person should know of the stack.
    """

    def __init__(
        self,
        plan: StackPlan,
        runs: Sequence[StackRun | None],
        engine: Mapping[str, Any],
        step: Callable[[float, int], None],
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.plan = plan
        self.size = len(runs)
        self.runs = {number: run for number, run in enumerate(runs) if run is not None}
        self.engine = engine
        self.step = step
        self.note = note
        epochs = max(config.trainer.epochs for config in plan.configs)
        self.steps = epochs * plan.batches.batches
        self.events = StackEvents({number: run.directory for number, run in self.runs.items()})
        self._shared: dict[bytes, Path] = {}
        self._of_data: dict[int, tuple[bytes, bytes]] = {}

    def begin(
        self,
        last: Sequence[Snapshot] | None = None,
        first: Callable[[int], None] = lambda number: None,
    ) -> None:
        """Writes what a run has from its start.

        Args:
            last: the checkpoints that the runs go on from; their event files are cut to them.
            first: called with the number of each run, perhaps in another process.
        """
        if last is None:
            self.events.begin([run.plain for run in self.runs.values()])
        for number, run in self.runs.items():
            # Here, as later ones are names of the first; and so that all say when they started.
            run.directory.write_status("running")
            for path, content in self._files_of_data(number):
                self._write_shared(path, content)
            if last is not None:
                self.events.go_on(number, last[number])
                run.has_last = True

        def begin_one(number: int) -> None:
            first(number)
            directory = self.runs[number].directory
            with writing(directory.checkpoints):
                directory.checkpoints.mkdir(exist_ok=True)
            if last is None:
                self.events.write_start(number)
            # Last: where there is a config, a run that was killed finds all that it needs.
            write_yaml(directory.config, dict(self.runs[number].plain))

        fork_map(list(self.runs), begin_one, fork=self._may_fork)
        self.events.started()

    def save(self, stack: Stack) -> None:
        """Checkpoints of all runs, on the disk together."""
        standings = self.plan.schedules.standings()
        written = [(at, self.runs[n]) for at, n in enumerate(stack.runs) if n in self.runs]
        self.events.add_points(stack, [place for place, _ in written])
        self.events.flush(stack.runs[place] for place, _ in written)
        best = [(run.directory.best, archive(best_snapshot(stack, at))) for at, run in written]
        write_all(best, flush=True)  # first: killed in between, it is made again on the way
        last = []
        for place, run in written:
            events = self.events.bytes_of(stack.runs[place])
            snapshot = {**last_snapshot(stack, place, standings[place]), "events": events}
            last.append((run.directory.last, archive(snapshot)))
        write_all(last, flush=True)
        for _, run in written:
            run.has_last = True

    def progress(self, stack: Stack) -> None:
        """Tells how far the stack is."""
        self.step(stack.step / self.steps, stack.real)

    def ended(self, stack: Stack, ended: Ended) -> None:
        """All that is left of runs at their end."""
        standings = self.plan.schedules.standings()
        self.events.add_points(stack, ended.places)
        said = endings()
        steps = [self._steps(stack, place) for place in ended.places]
        numbers = result_records(steps, [one.metrics for one in ended.measured])

        def end_one(at: int) -> dict[str, Any]:
            standing, succeeded = standings[ended.places[at]], ended.status[at] == "completed"
            return self._end(stack, ended, at, standing, numbers[at] + said[succeeded])

        ours = [at for at, place in enumerate(ended.places) if stack.runs[place] in self.runs]
        results = fork_map(ours, end_one, fork=self._may_fork)
        for at, result in zip(ours, results, strict=True):
            run = self.runs[stack.runs[ended.places[at]]]
            run.result = result
            run.directory.release()

    def _steps(self, stack: Stack, place: int) -> int:
        """That a run made."""
        diverged = stack.diverged.get(stack.runs[place])
        return diverged.steps if diverged else stack.step

    @property
    def _may_fork(self) -> bool:
        """On the CPU; a fork cannot ask an accelerator for its tensors."""
        return self.plan.device.type == "cpu" and self.plan.layout.width < SERIAL_COPY

    def _end(
        self, stack: Stack, ended: Ended, at: int, standing: Standing, said: bytes
    ) -> dict[str, Any]:
        """Writes a run's last files; the content of `result.json`."""
        place, status, error = ended.places[at], ended.status[at], ended.errors[at]
        number = stack.runs[place]
        run, epochs = self.runs[number], stack.epochs_of(place)
        rows = history_rows(stack, number, epochs)
        if stack.configs[place].sweep.plot:
            self.events.draw(number, rows)
        self.events.end(number, said)
        self._write_checkpoints(stack, place, standing, run)
        weights = state_dict(stack, ended.weights[place], ended.kept, place)
        write_bytes(run.directory.model, archive(weights))
        write_text(run.directory.history, history_text(rows, self.plan.metric_names))
        seconds = sum(row["seconds"] for row in rows)
        best, measured, steps = stack.best_of(place), ended.measured[at], self._steps(stack, place)
        ending = Ending(status, measured, best, epochs, steps, seconds, error)
        result = result_of(self.plan.first, run.plain, ending, self.engine)
        write_text(run.directory.result, json_text(result) + "\n")
        self._log(run, result, stack.undefined.get(number), stack.configs[place].trainer.epochs)
        run.directory.write_status(status, error)
        return result

    def _write_checkpoints(
        self, stack: Stack, place: int, standing: Standing, run: StackRun
    ) -> None:
        """The last ones; of a run that diverged, the last good one."""
        paths = run.directory
        if stack.runs[place] in stack.diverged:
            best = archive(best_snapshot(stack, place))
            write_bytes(paths.best, best)
            if not run.has_last:
                write_same(paths.last, paths.best, best)
            return
        events = self.events.bytes_of(stack.runs[place])
        last = archive({**last_snapshot(stack, place, standing), "events": events})
        write_bytes(paths.last, last)
        if stack.good.copied_at[place] == stack.epoch and not stack.batch:
            write_same(paths.best, paths.last, last)  # the best epoch is the last
        else:
            write_bytes(paths.best, archive(best_snapshot(stack, place)))

    def _write_shared(self, path: Path, content: bytes) -> None:
        """What other runs have too."""
        if content in self._shared:
            write_same(path, self._shared[content], content)
        else:
            write_bytes(path, content)
            self._shared[content] = path

    def _log(self, run: StackRun, result: Mapping[str, Any], note: str | None, epochs: int) -> None:
        """Writes `run.log`: what a run on its own would have said, but for the lines of epochs."""
        lines = [*self._introduction]
        lines += [f"note: {note}"] if note else []
        lines.append(closing_text(result, epochs))
        if "error" in result:
            lines.append(f"{result['status']}: {result['error']}")
        now = time.time()
        at = f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(now))},{int(now % 1 * 1000):03}"
        text = "".join(f"{at} INFO seedbed: {line}\n" for line in lines)
        with writing(run.directory.log), run.directory.log.open("a", encoding="utf-8") as file:
            file.write(text)

    @cached_property
    def _introduction(self) -> list[str]:
        """What is said of all runs alike."""
        notes = [f"note: {note}" for note in self.plan.first.notes]
        first = introduction(self.plan.first)
        return [f"trained among {self.size} runs as one computation", *notes, first]

    def _files_of_data(self, number: int) -> list[tuple[Path, bytes]]:
        """`preprocessing.json` and `environment.json` of a run."""
        data, paths = self.plan.data[number], self.runs[number].directory
        if id(data) not in self._of_data:
            told = {**self._environment, "data": dict(data.fingerprint)}
            texts = (json_text(data.preprocessing.to_json()), json_text(told))
            self._of_data[id(data)] = (f"{texts[0]}\n".encode(), f"{texts[1]}\n".encode())
        preprocessing, made_with = self._of_data[id(data)]
        return [(paths.preprocessing, preprocessing), (paths.environment, made_with)]

    @cached_property
    def _environment(self) -> dict[str, Any]:
        """Asked for once, as it asks git; but for the data."""
        plan = self.plan
        told = arithmetic(plan.configs[0].trainer)
        code = code_of(next(iter(self.runs.values())).plain)
        return environment(str(plan.device), plan.threads, told, {}, code)
