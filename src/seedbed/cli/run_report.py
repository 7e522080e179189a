"""What a run says at its end: how it went, and what to type next."""

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any

from seedbed.api.messages import Trained
from seedbed.recording.results import closing_text
from seedbed.remote.places import shown
from seedbed.runs.files import UNPRINTABLE
from seedbed.runs.status import Status

WIDEST_EXAMPLE = 8
"""Features; more are shown as a file."""


def print_report(trained: Trained) -> None:
    """Prints it."""
    if trained.plan.config.trainer.fast_dev_run:
        print(closing_text(trained.result, trained.plan.config.trainer.epochs))
        print(f"kept: {trained.paths.log}")
        print(f"run: {shown(trained.paths.root)}")
        return
    print(_report(trained))
    if trained.status == Status.DIVERGED:
        _print_diverged(trained)
    print(f"run: {shown(trained.paths.root)}")


def _report(trained: Trained) -> str:
    paths, plan = trained.paths, trained.plan
    run, seedbed = shlex.quote(shown(paths.root)), typed("seedbed")
    lines = [closing_text(trained.result, plan.config.trainer.epochs), "next:"]
    if trained.status == Status.INTERRUPTED:
        lines.append(f"  go on        {seedbed} resume {run}")
    lines += [
        f"  predictions  {seedbed} predict {run} {_example_rows(plan)}",
        f"  weights      {seedbed} inspect {run} --weights",
        f"  loss curve   {shlex.quote(str(paths.figure))}",
        f"  dashboard    {seedbed} dashboard {shlex.quote(_with_its_like(paths.root))}",
    ]
    return "\n".join(lines)


def _with_its_like(root: Path) -> str:
    """The folder above a run, which may lie at a URL."""
    url = shown(root)
    return str(root.parent) if url == str(root) else url


def _example_rows(plan: Any) -> str:
    """Rows to predict, in the form that the run takes: a typical one, or a file if it is wide."""
    features = plan.data.preprocessing.features
    if not 1 <= len(features) <= WIDEST_EXAMPLE or any(feature.shape for feature in features):
        if plan.config.data.source == "images":
            return "--file FOLDER"
        ending = {"npz": "npz", "parquet": "parquet"}.get(plan.config.data.source, "csv")
        return f"--file FILE.{ending}" if features else "--input JSON"
    row = [_typical(feature) for feature in features]
    text = json.dumps([row], ensure_ascii=False)
    text = UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)  # as JSON writes them
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
    match = shutil.which(command)
    if match is None and beside.is_file():
        return str(beside)
    return command


def _print_diverged(trained: Trained) -> None:
    from seedbed.training.unfit_input import unfit_input  # few runs diverge

    said = f"error: diverged: {trained.result['error']}; the last good checkpoint is "
    said += f"{trained.paths.best}; "
    if found := unfit_input(trained.plan, trained.result["steps"]):
        what = "mend it, or leave the row out; type a smaller optimizer.lr if the model takes it"
        print(f"{said}{found}: {what}", file=sys.stderr)
        return
    trainer = trained.plan.config.trainer
    clips = {
        key: value
        for key in ("gradient_clip", "gradient_clip_value")
        if (value := getattr(trainer, key)) is not None
    }
    lower = [f"a trainer.{key} below {value:g}" for key, value in clips.items()]
    other = " or ".join(lower) or "trainer.gradient_clip=1"
    print(f"{said}type a smaller optimizer.lr, or {other}", file=sys.stderr)
