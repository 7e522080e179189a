"""What a run is worth on labelled rows."""

from typing import TYPE_CHECKING, Any

from seedbed.api.frames import frame_of
from seedbed.api.html import html_lines, html_table
from seedbed.config.hints import counted
from seedbed.runs.files import printable
from seedbed.views.run_text import columns_of

if TYPE_CHECKING:
    import pandas as pd

    from seedbed.views.evaluate import Evaluated, Measured

ALL, MISSING = "(all)", "(missing)"
"""How rows name what is no group by a name."""


class Evaluation:
    """The loss and the metrics of a run on labelled rows, each with a 95 % interval.

    The intervals are percentile bootstraps over the rows, with a fixed seed.

    Args:
        evaluated: the numbers.
    """

    def __init__(self, evaluated: "Evaluated") -> None:
        self._evaluated = evaluated

    @property
    def n(self) -> int:
        """Rows that were measured: those with a label."""
        return self._evaluated.whole.n

    @property
    def metrics(self) -> dict[str, float]:
        """The loss and the metrics by name, NaN where one is not defined."""
        return dict(self._evaluated.whole.values)

    @property
    def intervals(self) -> dict[str, tuple[float, float] | None]:
        """The ends of the interval of each, None where none can be told."""
        return dict(self._evaluated.whole.intervals)

    @property
    def by(self) -> str | None:
        """The column that the rows are grouped by."""
        return self._evaluated.by

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A row for all, then one for each group: `group`, `n`, and of each metric three numbers.

        These are its value and, as `<metric>_low` and `<metric>_high`, the ends of its interval.
        Without groups there is no `group`.
        """
        if self.by is None:
            return [_row(self._evaluated.whole)]
        named = {name: MISSING if name is None else name for name in self._evaluated.groups}
        return [
            {"group": ALL, **_row(self._evaluated.whole)},
            *({"group": named[name], **_row(one)} for name, one in self._evaluated.groups.items()),
        ]

    @property
    def notes(self) -> list[str]:
        """What a person should know of the rows, and what could not be told."""
        return list(self._evaluated.notes)

    def to_json(self) -> dict[str, Any]:
        """All of it in plain containers, to be printed; the group of a missing value is None."""
        found = self._evaluated
        groups = [
            {"group": name if name is None else printable(name), **_plain(one)}
            for name, one in found.groups.items()
        ]
        return {
            **_plain(found.whole),
            "without_label": found.without_label,
            **({"by": printable(found.by), "groups": groups} if found.by is not None else {}),
            "intervals": {
                "confidence": 0.95,
                "method": "percentile bootstrap over rows",
                "resamples": found.resamples,
            },
            "notes": self.notes,
        }

    def to_pandas(self) -> "pd.DataFrame":
        """The rows as a DataFrame.

        Raises:
            SeedbedError: if pandas is not installed.
        """
        return frame_of(self.rows)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{name} {value:.5g}" for name, value in self.metrics.items())
        number = counted(len(self._evaluated.groups), "group")
        groups = f", {number} by {self.by}" if self.by else ""
        return f"Evaluation on {counted(self.n, 'row')}{groups}: {numbers}"

    def _repr_html_(self) -> str:
        return html_table(columns_of(self.rows)) + html_lines(self.notes)


def _row(one: "Measured") -> dict[str, Any]:
    row: dict[str, Any] = {"n": one.n}
    for name, value in one.values.items():
        low, high = one.intervals[name] or (None, None)
        row |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return row


def _plain(one: "Measured") -> dict[str, Any]:
    metrics = {
        name: {"value": value, "interval": one.intervals[name]}
        for name, value in one.values.items()
    }
    return {"n": one.n, "metrics": metrics}
