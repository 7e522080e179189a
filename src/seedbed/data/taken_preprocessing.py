"""The preprocessing of another run, taken over where its columns are those of the data."""

from collections.abc import Sequence
from dataclasses import replace

from seedbed.config.hints import joined
from seedbed.config.task_names import MULTILABEL, NEVER_SCALED, RECONSTRUCTION
from seedbed.data.fitted_column import FittedColumn
from seedbed.data.fitted_target import unit_of_inputs
from seedbed.data.preprocessing import Preprocessing


def taken_over(own: Preprocessing, theirs: Preprocessing) -> tuple[Preprocessing, str]:
    """What was fitted on the rows of another run, in place of what was fitted on these.

    Inputs: all columns or none; they must have the same names, kinds and shapes, in the same order.
    Targets: where task and names are the same, their scale; where the classes are the same, their
    order.

    Args:
        own: fitted on the rows that are to be trained on.
        theirs: of the run to start from.

    Returns:
        The preprocessing, and what a person should know of it.
    """
    if not theirs.features or not own.features:
        return own, "" if not own.features else "fitted anew, as that run fitted none"
    unlike = _unlike(own.features, theirs.features)
    if unlike:
        return own, f"fitted anew, as the columns are not those of that run: {unlike}"
    shape = theirs.input_shape
    taken = replace(own, features=theirs.features, input_shape=shape)
    if own.task == RECONSTRUCTION:
        mean, scale = unit_of_inputs(theirs.features)
        outputs = sum(one.width for one in theirs.features)
        taken = replace(taken, target_mean=mean, target_scale=scale, outputs=outputs)
    elif _same_target(own, theirs) and own.task not in NEVER_SCALED and not own.classes:
        taken = replace(taken, target_mean=theirs.target_mean, target_scale=theirs.target_scale)
    return taken, f"that run's{_unknown(own.features, theirs.features)}"


def other_meaning(own: Preprocessing, theirs: Preprocessing) -> str:
    """Why the outputs of the other run mean something else than these; empty if they do not."""
    if own.task != theirs.task:
        return f"other task, {theirs.task} there"
    if own.classes != theirs.classes:
        return f"other classes, {joined(theirs.classes, 6)} there"
    if own.task == MULTILABEL and own.target != theirs.target:
        return f"other labels, {joined(theirs.target, 4)} there"
    return ""


def other_target(own: Preprocessing, theirs: Preprocessing) -> str:
    """Said of a target of real values that has another name; its weights are taken all the same."""
    if other_meaning(own, theirs) or own.classes or own.task in (RECONSTRUCTION, MULTILABEL):
        return ""
    if own.target == theirs.target:
        return ""
    return f"it predicted {joined(theirs.target, 4)}, this run predicts {joined(own.target, 4)}"


def _same_target(own: Preprocessing, theirs: Preprocessing) -> bool:
    return (own.task, own.target, own.outputs) == (theirs.task, theirs.target, theirs.outputs)


def _unlike(own: Sequence[FittedColumn], theirs: Sequence[FittedColumn]) -> str:
    """What sets the columns apart; empty if nothing does."""
    names, others = [one.name for one in own], [one.name for one in theirs]
    if names != others:
        missing = [name for name in others if name not in names]
        surplus = [name for name in names if name not in others]
        if not missing and not surplus:
            return "they have another order"
        parts = [("it has", missing), ("it has not", surplus)]
        return "; ".join(f"{word} {joined(some, 4)}" for word, some in parts if some)
    wrong = [
        f"'{one.name}' is {one.kind}, {other.kind} there"
        for one, other in zip(own, theirs, strict=True)
        if _is_other_kind(one, other) or _shape(one) != _shape(other)
    ]
    return joined(wrong, 3)


def _is_other_kind(one: FittedColumn, other: FittedColumn) -> bool:
    return any((one.kind == kind) != (other.kind == kind) for kind in ("category", "image"))


def _shape(one: FittedColumn) -> list[int]:
    """Of a value; of images before they are cut."""
    return [*one.shape[:1], *one.decoded["size"]] if one.decoded else one.shape


def _unknown(own: Sequence[FittedColumn], theirs: Sequence[FittedColumn]) -> str:
    """Names in the rows that the other run has not seen."""
    told = []
    for one, other in zip(own, theirs, strict=True):
        new = [str(x) for x in one.categories or [] if x not in (other.categories or [])]
        if new:
            told.append(f"'{one.name}' has {joined(new, 4)}")
    return (
        f"; it has not seen some names, which data.unknown is for: {joined(told, 3)}"
        if told
        else ""
    )
