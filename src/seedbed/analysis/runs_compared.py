"""Runs side by side, or their settings over seeds, by one metric; and what must be said of it."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from seedbed.analysis.basis import ChosenMetric, chosen_metric, measured
from seedbed.analysis.comparing import DifferentRows, compare_settings
from seedbed.analysis.data_files import FILE_KEYS, FileCells, file_cells
from seedbed.analysis.folds import FOLD, Folds, folds_told
from seedbed.analysis.rows import Rows, rows_of
from seedbed.analysis.settings import REPEATS, Setting, SettingsCompared, Trial
from seedbed.catalog.record import RunRecord
from seedbed.catalog.table import RecordTable
from seedbed.catalog.values import cells_of, decide, setting_names, setting_of
from seedbed.config.hints import counted, did_you_mean, joined
from seedbed.errors import ArgumentError


@dataclass(frozen=True)
class Request:
    """How runs are to be compared.

    Args:
        metric: its name; None for that of the validation rows.
        over: keys whose values are repetitions of one setting; empty for the runs side by side,
            None for the seed where seeds were swept.
        better: `higher` or `lower`, of a metric that is not known here.
        keys: that tell settings apart; None for those that differ.
    """

    metric: str | None = None
    over: Sequence[str] | None = None
    better: str | None = None
    keys: Sequence[str] | None = None


@dataclass(frozen=True)
class RunsCompared:
    """Runs, and what they say of their settings.

    Args:
        table: of the runs, in the order of the folders.
        metric: that they are compared by.
        keys: that differ, those that were swept first, without those of `over`.
        over: keys whose values are repetitions; empty for runs side by side.
        settings: over the seeds; of runs side by side each run is a setting. None where runs are
            measured on rows of their own, and cannot be ranked.
        labels: the values of `keys`, by setting.
        records: of each setting, by setting, in the order of its trials.
        counted: those of them that count, one of each seed.
    """

    table: RecordTable
    metric: ChosenMetric
    keys: tuple[str, ...]
    over: tuple[str, ...]
    settings: SettingsCompared | None
    labels: Mapping[Setting, Mapping[str, Any]]
    records: Mapping[Setting, Sequence[RunRecord]]
    counted: Mapping[Setting, Sequence[RunRecord]]


def compare_runs(table: RecordTable, request: Request | None = None) -> RunsCompared:
    """Compares the runs of a table.

    Args:
        table: the newest first.
        request: how; None for what the runs themselves suggest.

    Raises:
        ArgumentError: if they cannot be compared so; with what to type.
    """
    request = request or Request()
    if not table.records:
        raise ArgumentError(f"no run to compare{_only_others(table)}")
    _refuse_tasks(table.records)
    metric = chosen_metric(table.records, request.metric, request.better)
    files = file_cells(table.records)
    differing = [key for key in table.differing_keys() if len(set(files.get(key, (1, 2)))) > 1]
    over = _over(table.records, request.over, differing, files)
    known = differing if request.keys is None else request.keys
    keys = tuple(key for key in known if key not in over)
    rows = rows_of(table.records, files)
    if over:
        _refuse_changed_files(table.records, rows)
    trials = _trials(table.records, rows, keys, over, metric.name, files)
    labels, records = _by_setting(table.records, keys, trials)
    compared = _compared(trials, keys, over, metric.higher, _folds(table.records, over))
    counted = _counted(compared, trials, table.records) if over and compared else records
    return RunsCompared(table, metric, keys, over, compared, labels, records, counted)


def _only_others(table: RecordTable) -> str:
    if not table.left_out:
        return ": the folder holds none; train some with seedbed train -m"
    first = table.left_out[0]
    return (
        f": none of {counted(len(table.left_out), 'folder')}, such as '{first.name}' "
        f"({first.problem})"
    )


def _refuse_tasks(records: Sequence[RunRecord]) -> None:
    tasks: dict[str, RunRecord] = {}
    for run in records:
        if "task" in run.facts:
            tasks.setdefault(str(run.facts["task"]), run)
    if len(tasks) > 1:
        told = ", ".join(f"{task} ('{run.name}')" for task, run in sorted(tasks.items()))
        raise ArgumentError(
            f"the runs have different tasks: {told}; name the runs or the sweep of one task"
        )


def _over(
    records: Sequence[RunRecord],
    asked: Sequence[str] | None,
    differing: Sequence[str],
    files: FileCells,
) -> tuple[str, ...]:
    """The keys whose values are repetitions."""
    if asked is None:
        repeats = tuple(key for key in REPEATS if key in differing)
        return repeats if _has_repetitions(records, differing, repeats, files) else ()
    for key in asked:
        if not any(key in run.settings or key in run.choices for run in records):
            hint = did_you_mean(key, setting_names(records))
            hint = hint or f"; those that differ are {joined(differing)}"
            raise ArgumentError(f"--over: no key '{key}'{hint}")
    return tuple(asked)


def _folds(records: Sequence[RunRecord], over: Sequence[str]) -> Folds | None:
    """Of the cross-validation that the runs are, if they are one; else None."""
    if FOLD not in over:
        return None
    numbers = {setting_of(run, "data.folds") for run in records}
    times = {setting_of(run, "data.split.time") for run in records}
    return folds_told(numbers.pop(), times.pop()) if len(numbers) == len(times) == 1 else None


def _has_repetitions(
    records: Sequence[RunRecord],
    differing: Sequence[str],
    repeats: Sequence[str],
    files: FileCells,
) -> bool:
    """Whether a setting was run more than once, with other seeds or folds."""
    keys = [key for key in differing if key not in repeats]
    return not decide(cells_of(records, keys, files), cells_of(records, repeats, files))


def _trials(
    records: Sequence[RunRecord],
    rows: Sequence[Rows],
    keys: Sequence[str],
    over: Sequence[str],
    metric: str,
    files: FileCells,
) -> list[Trial]:
    """Runs side by side are each a setting of their own, by their place in the table."""
    settings = cells_of(records, keys, files) if over else [(at,) for at in range(len(records))]
    cells = zip(records, settings, cells_of(records, over, files), rows, strict=True)
    return [
        Trial(setting, seed, run.status, measured(run, metric), own_rows)
        for run, setting, seed, own_rows in cells
    ]


def _by_setting(
    records: Sequence[RunRecord], keys: Sequence[str], trials: Sequence[Trial]
) -> tuple[dict[Setting, Mapping[str, Any]], dict[Setting, list[RunRecord]]]:
    labels: dict[Setting, Mapping[str, Any]] = {}
    found: dict[Setting, list[RunRecord]] = {}
    for run, trial in zip(records, trials, strict=True):
        if trial.setting not in labels:
            labels[trial.setting] = {key: setting_of(run, key) for key in keys}
        found.setdefault(trial.setting, []).append(run)
    return labels, found


def _counted(
    compared: SettingsCompared, trials: Sequence[Trial], records: Sequence[RunRecord]
) -> dict[Setting, list[RunRecord]]:
    runs = {id(trial): run for run, trial in zip(records, trials, strict=True)}
    return {one.setting: [runs[id(trial)] for trial in one.trials] for one in compared.settings}


def _compared(
    trials: Sequence[Trial],
    keys: Sequence[str],
    over: Sequence[str],
    higher: bool,
    folds: Folds | None,
) -> SettingsCompared | None:
    if over:
        try:
            return compare_settings(keys, trials, higher=higher, folds=folds)
        except DifferentRows as err:
            raise ArgumentError(_different_rows(keys)) from err
    if len({trial.rows for trial in trials}) > 1:
        return None
    return compare_settings((), [replace(one, seed=()) for one in trials], higher=higher)


def _refuse_changed_files(records: Sequence[RunRecord], rows: Sequence[Rows]) -> None:
    """A file that changed has other rows, whatever the seed."""
    contents: dict[Hashable, Hashable] = {}
    for paths, (cells, _, content) in zip(cells_of(records, FILE_KEYS), rows, strict=True):
        if contents.setdefault((cells, paths), content) != content:
            raise ArgumentError(
                "a data file of the runs changed between them, and their settings cannot be "
                "compared; name the runs of one sweep, or type --over none to see all side by side"
            )


def _different_rows(keys: Sequence[str]) -> str:
    data = [key for key in keys if key.split(".")[0] == "data"]
    told = f", as {joined(data)} {'differs' if len(data) == 1 else 'differ'}" if data else ""
    split = "type --over seed,data.split.seed, " if "data.split.seed" in keys else ""
    return (
        f"runs of one seed are measured on different rows{told}, and their settings cannot be "
        f"compared; {split}name runs of the same rows, or type --over none to see all side by side"
    )
