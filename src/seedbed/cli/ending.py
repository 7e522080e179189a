"""What a run says at its end: how it went, and what to type next."""

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from seedbed.process import signals
from seedbed.process.exit_codes import DONE, RUN_FAILED
from seedbed.recording.results import closing_text
from seedbed.runs.directory import RunDirectory
from seedbed.runs.files import UNPRINTABLE

WIDEST_EXAMPLE = 8
"""Features; more are shown as a file."""


def say_ending(result: dict[str, Any], directory: RunDirectory, plan: Any) -> int:
    """Prints it; the exit code.

    Args:
        result: content of `result.json`.
        directory: of the run.
        plan: that was trained.
    """
    print(_ending(result, directory, plan))
    if result["status"] == "diverged":
        _say_diverged(result, directory, plan.config.trainer.gradient_clip)
    print(f"run: {directory.root}")
    if result["status"] == "interrupted":
        return signals.exit_code()
    return DONE if result["status"] == "completed" else RUN_FAILED


def _ending(result: dict[str, Any], directory: RunDirectory, plan: Any) -> str:
    run, seedbed = shlex.quote(str(directory.root)), typed("seedbed")
    lines = [closing_text(result, plan.config.trainer.epochs), "next:"]
    if result["status"] == "interrupted":
        lines.append(f"  go on        {seedbed} resume {run}")
    lines += [
        f"  predictions  {seedbed} predict {run} {_example_rows(plan)}",
        f"  weights      {seedbed} inspect {run} --weights",
        f"  loss curve   {shlex.quote(str(directory.figure))}",
        f"  dashboard    {typed('tensorboard')} --logdir {shlex.quote(str(directory.root.parent))}",
    ]
    return "\n".join(lines)


def _example_rows(plan: Any) -> str:
    """Rows to predict, in the form that the run takes: a typical one, or a file if it is wide."""
    features = plan.data.preprocessing.features
    if not 1 <= len(features) <= WIDEST_EXAMPLE or any(feature.shape for feature in features):
        ending = {"npz": "npz", "parquet": "parquet"}.get(plan.config.data.source, "csv")
        return f"--file FILE.{ending}" if features else "--input JSON"
    row = [_typical(feature) for feature in features]
    text = json.dumps([row], ensure_ascii=False)
    text = UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)  # as JSON writes them
    return f"--input {shlex.quote(text)}"


def _typical(feature: Any) -> Any:
    if feature.categories:
        return feature.categories[0]
    if feature.kind == "boolean":
        return feature.mean >= 0.5
    mean = float(f"{feature.mean:.3g}")
    return int(mean) if mean.is_integer() else mean


def typed(command: str) -> str:
    """A command of our environment, as the user has to type it from here."""
    beside = Path(sys.argv[0]).parent / command
    found = shutil.which(command)
    if found is None and beside.is_file():
        return str(beside)
    return command


def _say_diverged(result: dict[str, Any], directory: RunDirectory, clip: float | None) -> None:
    other = "trainer.gradient_clip=1" if clip is None else f"a trainer.gradient_clip below {clip:g}"
    print(
        f"error: diverged: {result['error']}; the last good checkpoint is {directory.best}; "
        f"type a smaller optimizer.lr, or {other}",
        file=sys.stderr,
    )
