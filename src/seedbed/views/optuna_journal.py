"""Runs as the trials of an Optuna study, in a journal file that optuna-dashboard opens."""

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seedbed.analysis.basis import ChosenMetric, chosen_metric, measured
from seedbed.catalog.record import RunRecord
from seedbed.catalog.table import RecordTable
from seedbed.catalog.values import is_nothing, setting_of
from seedbed.errors import ArgumentError, RunDirectoryError
from seedbed.process.scratch import scratch_folder
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.outputs import write_output
from seedbed.runs.reader import read_history
from seedbed.runs.status import Status
from seedbed.views.drawing import is_wide
from seedbed.views.metric_curves import points_of

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

INSTALL = "pip install 'seedbed[importance]'"

BEGIN = b'{"op_code":'
"""Of a journal's first line."""

MOST = 2**53
"""Larger whole numbers, such as identities, are names rather than amounts."""


def write_journal(
    table: RecordTable, output: Path, metric: str | None, better: str | None = None
) -> ChosenMetric:
    """Writes one study, whose parameters are the settings that differ between the runs.

    Args:
        table: the runs.
        output: the file; a journal that is there is replaced.
        metric: the value of a trial; None for the one that the runs are compared by.
        better: `higher` or `lower`, of a metric that is not known here.

    Returns:
        What the trials are valued by.

    Raises:
        ArgumentError: if Optuna is not installed, the file is something else, or the runs have no
            metric in common.
    """
    _refuse_other(output)
    try:
        import optuna
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend
    except ImportError as err:
        raise ArgumentError(f"--optuna: Optuna is not installed; type {INSTALL}") from err
    chosen = chosen_metric(table.records, metric, better)
    if not chosen.name:
        raise ArgumentError("--optuna: no run has a metric yet")
    runs = sorted(table, key=lambda run: (run.started is not None, run.started, run.name))
    keys = table.differing_keys()
    parameters = {key: _parameter([setting_of(run, key) for run in runs]) for key in keys}
    trials = [_trial(run, number, parameters, chosen.name) for number, run in enumerate(runs)]
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with scratch_folder() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names for the values, which are no promise yet
        journal = folder / "journal.log"
        study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(journal))),
            study_name=_study_name(runs),
            direction="maximize" if chosen.higher else "minimize",
        )
        study.set_metric_names([chosen.name])
        study.add_trials(trials)
        write_output(output, journal.read_bytes())
    return chosen


def _refuse_other(output: Path) -> None:
    """Keeps a file that is no journal as it is.

    Raises:
        ArgumentError: naming it.
    """
    if not output.exists():
        return
    with output.open("rb") as file:
        begins = file.read(len(BEGIN))
    if begins not in (BEGIN, b""):
        raise ArgumentError(
            f"--optuna: '{printable(str(output))}' is there, and no journal of Optuna; name "
            "another file"
        )


def _study_name(runs: Sequence[RunRecord]) -> str:
    """The sweep's folder; of runs of several, the folder that holds all."""
    folders = {run.sweep or run.path.parent for run in runs}
    names = sorted({printable(folder.name) for folder in folders})
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _trial(
    run: RunRecord, number: int, parameters: Mapping[str, "_Parameter"], metric: str
) -> "FrozenTrial":
    from optuna.trial import TrialState, create_trial

    value = measured(run, metric)
    complete = run.status == Status.COMPLETED and not is_nothing(value)
    going = run.status in (Status.RUNNING, Status.PENDING)
    state = TrialState.COMPLETE if complete else TrialState.RUNNING if going else TrialState.FAIL
    trial = create_trial(
        state=state,
        value=value if complete else None,
        params={key: one.values[number] for key, one in parameters.items()},
        distributions={key: one.distribution for key, one in parameters.items()},
        user_attrs={"path": printable(str(run.path)), "status": str(run.status), **_others(run)},
        intermediate_values=_by_epoch(run, metric),
    )
    if run.started is not None:  # Optuna has the time of this machine, without a zone
        began = run.started.astimezone().replace(tzinfo=None)
        trial.datetime_start = began
        if not going:
            trial.datetime_complete = began + timedelta(seconds=run.seconds or 0)
    return trial


def _others(run: RunRecord) -> dict[str, Any]:
    """All metrics at the end; the trial's value is one of them."""
    return {name: value for name, value in run.metrics.items() if math.isfinite(value)}


def _by_epoch(run: RunRecord, metric: str) -> dict[int, float]:
    """The metric by epoch, where the run has a history of it."""
    try:
        history = read_history(RunPaths(run.path))
    except RunDirectoryError:  # it has none; the other files are as they are
        return {}
    points = points_of(history, metric).items()
    return {int(x): y for x, y in points if y is not None and math.isfinite(y)}


@dataclass(frozen=True)
class _Parameter:
    """A setting as Optuna takes it.

    Args:
        distribution: that the values may have been drawn from.
        values: of each run.
    """

    distribution: "BaseDistribution"
    values: list[Any]


def _parameter(values: Sequence[Any]) -> _Parameter:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if not all(_is_number(one) for one in values):
        texts = [_text(one) for one in values]
        return _Parameter(CategoricalDistribution(list(dict.fromkeys(texts))), texts)
    low, high = min(values), max(values)
    log = is_wide(values)
    if all(isinstance(one, int) for one in values):
        return _Parameter(IntDistribution(low, high, log=log), list(values))
    return _Parameter(FloatDistribution(low, high, log=log), [float(one) for one in values])


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and abs(value) < MOST


def _text(value: Any) -> str:
    """As it stands in YAML."""
    return printable(value) if isinstance(value, str) else printable(json.dumps(value))
