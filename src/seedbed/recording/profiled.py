"""Measures the first steps of a run by operation: `trainer.profile='N steps'`."""

from collections.abc import Sequence
from typing import Any

import torch

from seedbed.config.hints import counted
from seedbed.process.scratch import scratch_folder
from seedbed.process.torch_private import quiet_profiler
from seedbed.runs.checkpoint import Checkpoint
from seedbed.runs.directory import RunDirectory
from seedbed.training.recorder import Forwarding, Recorder
from seedbed.training.training import Ended, Training

WARM_UP = 1
"""Steps that are made first, in which memory is laid out and code is loaded."""

ROWS = 20
"""Operations of the table."""


class Profiled(Forwarding):
    """Has torch's profiler look at the steps that come first.

    Args:
        recorder: hears the same.
        directory: of the run, which the table and the trace go into.
        steps: to be measured, after one that is not.
        device: where the run computes.
    """

    def __init__(
        self,
        recorder: Recorder,
        directory: RunDirectory,
        steps: int,
        device: torch.device,
    ) -> None:
        super().__init__(recorder)
        self.directory = directory
        self.steps = steps
        self.device = device
        self._profiler: Any = None
        self._made = 0

    def begin(self, training: Training, resumed: Sequence[Checkpoint] | None) -> None:
        """See `Recorder`."""
        super().begin(training, resumed)
        from torch.profiler import ProfilerActivity, profile, schedule

        activities = [ProfilerActivity.CPU]
        if self.device.type == "cuda":
            activities.append(ProfilerActivity.CUDA)
        planned = schedule(wait=0, warmup=WARM_UP, active=self.steps, repeat=1)
        self._profiler = profile(activities=activities, schedule=planned, acc_events=True)
        with quiet_profiler():
            self._profiler.start()

    def steps_left(self, step: int) -> int:
        """See `Recorder`."""
        return 1 if self._profiler is not None else super().steps_left(step)

    def step(self, training: Training) -> None:
        """See `Recorder`."""
        super().step(training)
        if self._profiler is None:
            return
        self._made += 1
        if self._made == WARM_UP + self.steps:
            self._write()
        else:
            self._profiler.step()

    def ended(self, training: Training, ended: Ended) -> None:
        """See `Recorder`; a run that ends early is measured as far as it came."""
        if self._profiler is not None and self._made > WARM_UP:
            self._write()
        elif self._profiler is not None:
            self.note("trainer.profile: nothing was measured, as no step came after the first")
        self.close()
        super().ended(training, ended)

    def close(self) -> None:
        """Ends the profiler, whatever came."""
        if self._profiler is not None:
            with quiet_profiler():
                self._profiler.stop()
            self._profiler = None

    def _write(self) -> None:
        profiler = self._profiler
        self.close()
        files, paths = self.directory.files, self.directory
        by = f"self_{self.device.type if self.device.type == 'cuda' else 'cpu'}_time_total"
        table = profiler.key_averages().table(sort_by=by, row_limit=ROWS)
        steps = counted(self._made - WARM_UP, "step")
        files.write(paths.profile, f"{steps}, from the second on\n{table}\n".encode())
        with scratch_folder() as folder:
            trace = folder / "trace.json"
            profiler.export_chrome_trace(str(trace))
            files.write(paths.trace, trace.read_bytes())
        self.note(f"trainer.profile: the time of {steps} by operation is in {paths.profile}")
