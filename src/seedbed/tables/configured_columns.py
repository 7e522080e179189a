"""Which columns of a file are features, and how the config says that they are written."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from seedbed.config.hints import written
from seedbed.config.schema import NamedConfig, TableConfig
from seedbed.errors import DataError
from seedbed.tables.date_parts import refuse_unknown_parts
from seedbed.tables.table_file import TableFile
from seedbed.tables.text_form import ISO, Kind, TextForm

KINDS_BESIDE: dict[str, Kind | None] = {
    "data.split.by": "category",
    "data.split.time": None,
    "data.weight": None,
}
"""What the columns hold that say something of the rows; None: that is looked at."""


def features_of(
    config: NamedConfig, file: TableFile, targets: Sequence[str]
) -> tuple[list[str], list[str]]:
    """The features, and notes on what was left out.

    Raises:
        DataError: for a name that the file does not have.
    """
    dropped = list(getattr(config, "drop", []))
    for name in dropped:
        file.must_have(name, "data.drop")
        for key, names in (("target", targets), ("features", config.features or [])):
            if name in names:
                raise DataError(f"data.drop: '{name}' is in data.{key} too; name it in one of them")
    other = {*targets, *dropped, *config.beside}
    rest = [name for name in file.names if name not in other]
    features = list(config.features or [name for name in rest if name not in file.index])
    for name in features:
        file.must_have(name, "data.features")
    index = [] if config.features else [name for name in file.index if name in rest]
    return features, [_index_note(name, file) for name in index]


def beside_features(
    config: NamedConfig, file: TableFile, used: Sequence[str]
) -> dict[str, Kind | None]:
    """Columns that are read and are no features, with the kind that they have; None to look.

    Args:
        config: of the data.
        file: that they are in.
        used: features and targets, which are read anyway.

    Raises:
        DataError: for a name that the file does not have.
    """
    found: dict[str, Kind | None] = {}
    for name, key in config.beside.items():
        file.must_have(name, key)
        if name not in used:
            found[name] = KINDS_BESIDE[key]
    return found


def left_out(config: NamedConfig, file: TableFile, used: Sequence[str]) -> dict[str, str]:
    """The columns of the file that are not used, and why."""
    reasons = {}
    for name in file.names:
        if name in getattr(config, "drop", []):
            reasons[name] = "in data.drop"
        elif name not in used and name in config.beside:
            reasons[name] = f"is {config.beside[name]}, and no feature"
        elif name not in used and config.features:
            reasons[name] = "not in data.features"
        elif name not in used:
            reasons[name] = "a saved index"
    return reasons


def _index_note(name: str, file: TableFile) -> str:
    column = f"column '{name}'" if name else "the first column, which has no name,"
    return (
        f"{column} of {file.origin} is the index of a table that was saved with it, and is left "
        "out; data.features=[…] names the columns to use"
    )


def text_form(config: NamedConfig, file: TableFile) -> TextForm:
    """How the config says that text is written.

    Raises:
        DataError: for a column that the file does not have, or a form that is none.
    """
    if not isinstance(config, TableConfig):
        return TextForm()
    if config.thousands == config.decimal:
        raise DataError(
            f"data.thousands and data.decimal are both '{config.decimal}'; a number has one mark "
            "for each"
        )
    units = _by_column(config.units, "units", file)
    told = {name: _dates_of(name, given) for name, given in (config.dates or {}).items()}
    dates = _by_column({name: form for name, (form, _) in told.items()}, "dates", file)
    for name, form in dates.items():
        _must_be_date_form(name, form)
    marks: dict[str, list[str]] = {}
    missing = None
    if isinstance(config.missing, Mapping):
        marks = _marks(config.missing, file)
    elif config.missing:
        missing = list(config.missing)
    parts = {str(name): some for name, (_, some) in told.items() if some}
    return TextForm(missing, config.decimal, config.thousands, units, dates, marks, parts)


def _dates_of(name: str, given: Any) -> tuple[Any, list[str]]:
    """How the dates of a column are written, as ISO 8601 where nothing is said; and their parts."""
    if isinstance(given, list):
        refuse_unknown_parts(name, given)
        return ISO, [str(part) for part in given]
    if not isinstance(given, Mapping):
        return given, []
    for key in given:
        if key not in ("form", "parts"):
            raise DataError(
                f"data.dates: '{name}' has no key '{key}'; there are form and parts, as in "
                f"{{{name}: {{form: '%d.%m.%Y', parts: [month, weekday]}}}}"
            )
    form, parts = given.get("form", ISO), given.get("parts")
    if parts is None or parts == []:
        return form, []
    if not isinstance(parts, list):
        raise DataError(
            f"data.dates: '{name}': parts must be a list such as [month, weekday], got {parts!r}"
        )
    return form, _dates_of(name, parts)[1]


def _marks(given: Mapping[Any, Any], file: TableFile) -> dict[str, list[str]]:
    """The words for a missing value of each column."""
    marks = {}
    for name, words in given.items():
        file.must_have(str(name), "data.missing")
        listed = words if isinstance(words, list) else [words]
        if not listed or not all(
            isinstance(one, str | int | float) and not isinstance(one, bool) for one in listed
        ):
            raise DataError(
                f"data.missing: '{name}' must have words or numbers that mean a missing value, "
                f"got {words!r}"
            )
        marks[str(name)] = [written(one) for one in listed]
    return marks


def _by_column(forms: Mapping[Any, Any] | None, key: str, file: TableFile) -> dict[str, str]:
    """What `data.units` or `data.dates` holds for each column."""
    for name, form in (forms or {}).items():
        file.must_have(str(name), f"data.{key}")
        if not isinstance(form, str) or not form.strip():
            raise DataError(f"data.{key}: '{name}' must have a text, got {form!r}")
    return {str(name): form for name, form in (forms or {}).items()}


def _must_be_date_form(name: str, form: str) -> None:
    if form == ISO:
        return
    example = datetime(2024, 1, 31, 13, 5)
    try:
        written = example.strftime(form)
        datetime.strptime(written, form)
    except (ValueError, re.error) as err:
        raise DataError(f"data.dates: '{name}': '{form}' is no form of a date: {err}") from err
    if written == form:
        raise DataError(
            f"data.dates: '{name}': '{form}' is no form of a date; it is written as for strptime, "
            "such as %d.%m.%Y, or is iso"
        )
