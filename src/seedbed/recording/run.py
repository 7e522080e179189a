"""Trains one run and records it in its directory.

plan = build_run(config, AllowList())
result = run(plan, claim(Path("outputs/mine")))
"""

from typing import Any

from seedbed.ranks import begun as ranks
from seedbed.ranks.ready import Begun
from seedbed.recording.compile_time import CompileTime
from seedbed.recording.directory import DirectoryRecorder
from seedbed.recording.gradient_points import with_gradients
from seedbed.recording.profiled import Profiled
from seedbed.recording.recorded_run import RecordedRun
from seedbed.runs.checkpoint import Checkpoint
from seedbed.runs.directory import RunDirectory
from seedbed.training.callbacks import Callbacks, copied_for_callbacks
from seedbed.training.calling import Calling
from seedbed.training.interrupt import stop_request
from seedbed.training.loop import train
from seedbed.training.recorder import Recorder
from seedbed.training.reporter import Reported, Reporter
from seedbed.training.resume import load_best, restore
from seedbed.training.run_components import RunComponents
from seedbed.training.single import SingleEngine
from seedbed.training.unsaved import UnsavedNotes


def run(
    plan: RunComponents,
    directory: RunDirectory,
    reporter: Reporter | None = None,
    *,
    draw: bool = True,
    resumed: Checkpoint | None = None,
) -> dict[str, Any]:
    """Trains a prepared run and leaves a complete run directory.

    Args:
        plan: built by `build_run`; its model is trained in place.
        directory: claimed for this run alone; released at the end.
        reporter: hears of the progress.
        draw: whether to leave `loss.png`.
        resumed: the checkpoint to go on from; None to begin.

    Returns:
        The content of `result.json`; its `status` is completed, diverged or interrupted.

    Raises:
        CheckpointError: if the checkpoint does not go with the config; the files stay as they are.
        RunDirectoryError: if the disk is full or may not be written.
        KeyboardInterrupt: if the user asked twice to stop.
        Exception: whatever the user's own model or data raises; the status is failed then.
    """
    recorded = RecordedRun(plan.config, directory, plan.data, draw)
    with (
        stop_request() as stop,
        DirectoryRecorder(plan, [recorded], threads=plan.threads, stop=stop) as recorder,
        ranks.begun(plan, stop) as begun,
    ):
        _train(begun, plan, directory, recorder, reporter or Reporter(), resumed)
        assert recorded.result is not None
        begun.tell((recorded.result, str(directory.root.resolve())))
    return recorded.result


def _train(
    begun: Begun,
    plan: RunComponents,
    directory: RunDirectory,
    recorder: DirectoryRecorder,
    reporter: Reporter,
    resumed: Checkpoint | None,
) -> None:
    callbacks = _callbacks(begun, plan, directory)
    best = None
    if resumed is not None:
        best = load_best(directory)
        restore(begun.training, plan.model, resumed, best, directory)
    begun.go_on(resumed, best)
    reported = Reported(with_gradients(recorder, recorder.events, plan), reporter, plan)
    hears: Recorder = UnsavedNotes(reported, plan)
    engine = begun.training.engine
    if isinstance(engine, SingleEngine) and engine.compiled is not None:
        hears = CompileTime(hears, engine.compiled)
    profiled = None
    if (written := plan.config.trainer.profile) is not None:
        steps = int(written.split()[0])
        hears = profiled = Profiled(hears, directory, steps, plan.device)
    if callbacks is not None:
        hears = Calling(hears, callbacks, begun.agreed)
    last = [resumed] if resumed is not None else None
    try:
        train(begun.training, begun.heard(hears), begun.stop, last, begun.saving)
    finally:
        if profiled is not None:
            profiled.close()
        reported.close()


def _callbacks(begun: Begun, plan: RunComponents, directory: RunDirectory) -> Callbacks | None:
    """Those of the run, which its checkpoints hold from now on."""
    if plan.callbacks:
        model = copied_for_callbacks(plan.model)
        begun.training.callbacks = Callbacks({0: plan.callbacks}, {0: directory.root}, model)
    return begun.training.callbacks
