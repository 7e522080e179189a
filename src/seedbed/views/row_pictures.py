"""Pictures of one run on rows with labels: by their kind, with their titles and notes."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from seedbed.analysis.sentences import number_text
from seedbed.config.hints import joined, shortened
from seedbed.config.task_names import MULTILABEL, QUANTILES
from seedbed.errors import ArgumentError
from seedbed.runs.layout import RunPaths
from seedbed.views.class_rows import BINS, calibration_of, confusion_of, rocs_of, statement_of
from seedbed.views.class_rows_drawn import (
    MOST_NAMES,
    MOST_NUMBERS,
    MOST_SHARES,
    draw_calibration,
    draw_confusion,
    draw_rocs,
)
from seedbed.views.drawing import ONE_LINE, text_of
from seedbed.views.own_rows import RowOutputs
from seedbed.views.pictures import Drawn
from seedbed.views.residuals import MOST_TARGETS, draw_residuals, residuals_of
from seedbed.views.row_kinds import CLASS_KINDS, VALUE_KINDS
from seedbed.views.trained import TrainedModel

if TYPE_CHECKING:
    from seedbed.data.preprocessing import Preprocessing

MOST_CLASSES = 1000
"""Of which each has a row and a column, or a curve."""

MOST_MISTAKES = 5
"""That are told where no number can be read."""

LONGEST_RUN, LONGEST_ROWS, LONGEST_CLASS = 68, 44, 20
"""Characters in a title: of a run's name, of what the rows are, of a class."""


def refuse_other_kind(trained: TrainedModel, paths: RunPaths, kind: str) -> None:
    """Refuses a picture that does not fit the task of the run.

    Raises:
        ArgumentError: with the kinds that do.
    """
    of_classes = bool(trained.preprocessing.classes)
    task = trained.head.task.name
    if task in (QUANTILES, MULTILABEL):
        what = "several quantiles" if task == QUANTILES else "several labels"
        raise ArgumentError(
            f"--kind: '{paths.root}' predicts {what} a row, and {kind} is of one value or class"
        )
    fitting = CLASS_KINDS if of_classes else VALUE_KINDS
    if kind not in fitting:
        what = "real values" if kind in VALUE_KINDS else "classes"
        raise ArgumentError(
            f"--kind: {kind} is of {what}, and '{paths.root}' predicts "
            f"{'classes' if of_classes else 'real values'} (task {trained.preprocessing.task}); "
            f"type --kind {'and one of ' if len(fitting) > 1 else ''}{joined(fitting)}"
        )
    classes = len(trained.preprocessing.classes)
    if kind != "calibration" and classes > MOST_CLASSES:
        raise ArgumentError(
            f"--kind: {kind} has room for {MOST_CLASSES} classes, the run has {classes}; type "
            "--kind calibration"
        )


def row_picture(trained: TrainedModel, kind: str, rows: RowOutputs, paths: RunPaths) -> Drawn:
    """Draws one run on rows.

    Args:
        trained: the model, for the names of its classes and targets.
        kind: one that fits its task.
        rows: with what it makes of them.
        paths: of the run, for the title.

    Returns:
        A figure of matplotlib, and what must be known to read it.
    """
    run = text_of("/".join(paths.root.resolve().parts[-2:]), LONGEST_RUN)
    where = f"{len(rows.predictions)} {text_of(rows.rows, LONGEST_ROWS)}"
    if rows.left_out:
        where += f", {rows.left_out} left out"
    figure, notes = KINDS[kind](rows, trained.preprocessing, f"{where}\n{run}")
    return figure, [*rows.notes, *notes]


def _confusion(rows: RowOutputs, fitted: "Preprocessing", where: str) -> Drawn:
    found, classes = confusion_of(rows.predictions, rows.targets), fitted.classes
    title = f"confusion, accuracy {number_text(found.accuracy)}\n{where}"
    notes = []
    if MOST_SHARES < len(classes) <= MOST_NUMBERS:
        notes.append(f"{len(classes)} classes leave room for counts alone; the share is the colour")
    if len(classes) > MOST_NUMBERS:
        notes.append(f"{len(classes)} classes leave no room for numbers in the cells")
        notes += [
            f"{_quoted(classes[true])} was taken for {_quoted(classes[taken])} in {count} rows"
            for true, taken, count in found.mistakes(MOST_MISTAKES)
        ]
    if len(classes) > MOST_NAMES:
        step = -(-len(classes) // MOST_NAMES)
        notes.append(f"one class in {step} is named beside the matrix")
    empty = [name for name, n in zip(classes, found.counts.sum(axis=1), strict=True) if not n]
    if empty:
        notes.append(f"no row is of {_classes(empty)}, whose line is empty")
    return draw_confusion(found, classes, title), notes


def _roc(rows: RowOutputs, fitted: "Preprocessing", where: str) -> Drawn:
    curves, without = rocs_of(rows.predictions, rows.targets)
    missing = _classes([fitted.classes[number] for number in without])
    if not curves:
        raise ArgumentError(
            f"roc: nothing to draw, as no row or every one of {rows.rows} is of {missing}"
        )
    mean = float(np.mean([one.area for one in curves]))
    of = f"mean AUC {number_text(mean)} of {len(curves)} classes, each against the others"
    if len(fitted.classes) == 2:
        of = f"ROC of '{text_of(fitted.classes[1], LONGEST_CLASS)}'"
    lacking = f"no curve, as no row or every one is of the class: {missing}"
    return draw_rocs(curves, fitted.classes, f"{of}\n{where}"), [lacking] if without else []


def _calibration(rows: RowOutputs, fitted: "Preprocessing", where: str) -> Drawn:
    probabilities, true = statement_of(rows.predictions, rows.targets)
    found = calibration_of(probabilities, true)
    statement = "probability of the predicted class"
    if len(fitted.classes) == 2:
        statement = f"predicted probability of '{text_of(fitted.classes[1], LONGEST_CLASS)}'"
    error = number_text(found.error)
    figure = draw_calibration(found, statement, f"calibration, ECE {error}\n{where}")
    return figure, [
        f"expected calibration error (ECE) {error}: the mean over rows of |share that came true - "
        f"mean probability| in a row's bin, of {BINS} bins of equal width"
    ]


def _residuals(rows: RowOutputs, fitted: "Preprocessing", where: str) -> Drawn:
    every = residuals_of(rows.predictions, rows.targets, fitted)
    more = len(every) - MOST_TARGETS
    note = f"the first {MOST_TARGETS} of {len(every)} targets are drawn"
    return draw_residuals(every[:MOST_TARGETS], f"residuals\n{where}"), [note] if more > 0 else []


def _classes(names: list[str]) -> str:
    return joined(map(_quoted, names), 5)


def _quoted(name: str) -> str:
    """A class in a note, which is one line."""
    return f"'{shortened(name.translate(ONE_LINE))}'"


KINDS: dict[str, Callable[[RowOutputs, "Preprocessing", str], Drawn]] = {
    "confusion": _confusion,
    "roc": _roc,
    "calibration": _calibration,
    "residuals": _residuals,
}
