"""What a run says of new rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

from seedbed.api.frames import frame_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from seedbed.views.trained import TrainedModel


@dataclass(frozen=True, repr=False)
class Predictions(Sequence[Any]):
    """A prediction for each row: a list of numbers, or the name of a class.

    Args:
        values: one for each row, in its order.
        columns: the same with names, as `seedbed predict --output` writes them.
        classes: their names, in the order of the probabilities; empty for regression.
        probabilities: of the classes, for each row; empty for regression.
        notes: what a person should know of the rows.
    """

    values: list[Any]
    columns: dict[str, list[Any]]
    classes: list[str] = field(default_factory=list)
    probabilities: list[list[float]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> list[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self.values[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.values)

    def __eq__(self, other: object) -> bool:
        return self.values == (other.values if isinstance(other, Predictions) else other)

    __hash__ = None  # type: ignore[assignment]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> "np.ndarray[Any, Any]":
        import numpy as np

        return np.array(self.values, dtype=dtype)

    def to_pandas(self) -> "pd.DataFrame":
        """The named columns as a DataFrame.

        Raises:
            SeedbedError: if pandas is not installed.
        """
        return frame_of(self.columns)

    def __repr__(self) -> str:
        return repr(self.values)


def predicted(trained: "TrainedModel", rows: Any) -> Predictions:
    """What a model says of rows; see `Run.predict`."""
    from seedbed.api.rows import new_rows
    from seedbed.views.predict import prediction_columns, predictions

    new = new_rows(rows, trained.preprocessing)
    report = predictions(trained, new.inputs)
    return Predictions(
        report["predictions"],
        {**prediction_columns(trained, report), **new.warnings()},
        report.get("classes", []),
        report.get("probabilities", []),
        [*trained.notes, *new.notes],
    )
