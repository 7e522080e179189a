"""Kinds of pictures of one run on its rows: names alone, for commands that draw none of them."""

from seedbed.config.hints import did_you_mean, joined
from seedbed.errors import ArgumentError

CLASS_KINDS = ("confusion", "roc", "calibration")
VALUE_KINDS = ("residuals",)

ROW_KINDS = (*CLASS_KINDS, *VALUE_KINDS)
"""What `--kind` takes for them."""

ROWS = ("val", "test")
"""What `--rows` takes."""


def refuse_unknown_kind(kind: str) -> None:
    """Raises ArgumentError for what is no picture of rows."""
    if kind not in ROW_KINDS:
        hint = did_you_mean(str(kind), ROW_KINDS) or f"; there are {joined(ROW_KINDS)}"
        raise ArgumentError(f"--kind: no kind '{kind}' of one run{hint}")


def refuse_other_rows(rows: str) -> None:
    """Raises ArgumentError for what names no rows of a run."""
    if rows not in ROWS:
        hint = did_you_mean(rows[:4], ROWS) or f"; there are {' and '.join(ROWS)}"
        raise ArgumentError(f"--rows: no rows '{rows}'{hint}")
