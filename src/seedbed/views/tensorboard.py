"""TensorBoard over run directories: which of them it shows, served to this machine alone."""

import contextlib
import io
import socket
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from seedbed.analysis.basis import best_first, chosen_metric
from seedbed.analysis.rows import rows_of
from seedbed.catalog.record import RunRecord
from seedbed.catalog.table import RecordTable
from seedbed.errors import ArgumentError

MOST_SHOWN = 40
"""Runs, unless asked for more: above it, TensorBoard opens with all of them unticked."""

HOST = "127.0.0.1"


def best_of(
    table: RecordTable, number: int | None, metric: str | None, better: str | None = None
) -> tuple[Sequence[RunRecord], str]:
    """The runs that are shown, and a sentence on the others.

    Args:
        table: the runs, newest first.
        number: how many; 0 for all, None for `MOST_SHOWN`.
        metric: that ranks them; None for the one that they are compared by.
        better: `higher` or `lower`, of a metric that is not known here.

    Raises:
        ArgumentError: if a number or a metric was asked for by which they cannot be ranked.
    """
    most = MOST_SHOWN if number is None else number or len(table)
    named = metric is not None or better is not None
    if len(table) <= most and not named:
        return table.records, ""
    asked = number is not None or named
    try:
        chosen = chosen_metric(table.records, metric, better)
    except ArgumentError as err:
        if asked:
            raise
        return table.records[:most], f"the newest {most}, as they cannot be ranked: {err}"
    if len(table) <= most:
        return table.records, ""
    ranked, others = best_first(table, chosen)
    shown = (ranked + others)[:most]
    apart = " (not all are measured on the same rows)" if len(set(rows_of(shown))) > 1 else ""
    return shown, f"the best {most} by {chosen.name}{apart}"


@contextlib.contextmanager
def served(logdir: Path, port: int) -> Iterator[str]:
    """Serves TensorBoard on this machine, and gives its address.

    Args:
        logdir: where it looks for event files, again and again.
        port: of it; 0 for one that is free.

    Raises:
        ArgumentError: if the port cannot be had.
    """
    _refuse_taken(port)  # TensorBoard asks once it has begun to read
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard import default, program

        board = program.TensorBoard(default.get_plugins())
    words = ["--logdir", str(logdir), "--host", HOST, "--port", str(port)]
    board.configure([None, *words])
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # its advice is for those who type it
            address: str = board.launch()
    except program.TensorBoardServerException as err:
        raise ArgumentError(f"--port: {err}; leave it out, and a free one is taken") from err
    yield address


def _refuse_taken(port: int) -> None:
    """Refuses a port that another program listens on, or that is not for us.

    Raises:
        ArgumentError: with what to type.
    """
    try:
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((HOST, port))
    except OSError as err:
        raise ArgumentError(
            f"--port: {port} cannot be had: {err.strerror}; leave it out, and a free one is taken"
        ) from err
