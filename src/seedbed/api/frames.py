"""Columns and rows as frames of pandas and polars, neither of which Seedbed needs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seedbed.errors import SeedbedError

if TYPE_CHECKING:
    import pandas as pd
    import polars

NO_PANDAS = "to_pandas needs pandas, which is not installed here; type pip install pandas"


def frame_of(content: Any, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """Columns by name, or rows, as a DataFrame.

    Args:
        content: a mapping of columns, or a list of rows.
        columns: of rows, in order; None for those that they have.

    Raises:
        SeedbedError: if pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError as err:
        raise SeedbedError(NO_PANDAS) from err
    return pd.DataFrame(content, columns=columns)


def polars_frame_of(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> "polars.DataFrame":
    """Rows as a DataFrame of polars, which must be installed.

    Args:
        rows: by column.
        columns: in order.
    """
    import polars

    series = [
        polars.Series(name, _of_one_kind([row[name] for row in rows]), strict=False)
        for name in columns
    ]
    return polars.DataFrame(series)


def _of_one_kind(values: list[Any]) -> list[Any]:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} or len(kinds) < 2:
        return [str(one) if isinstance(one, dict) else one for one in values]
    # Imported here: a history does without it.
    from seedbed.views.run_text import cell_text

    return [None if value is None else cell_text(value) for value in values]
