"""A column of text that is mostly dates, and holds slips or several forms of a date."""

from collections.abc import Mapping, Sequence

from seedbed.config.hints import joined, of_column, quoted
from seedbed.tables.column_kinds import mostly_dates
from seedbed.tables.dates import day_number, forms_of_one
from seedbed.tables.text_form import ISO

LOOKED_AT = 20
"""Texts of which the forms are taken that the others are tried in."""


def dates_with_slips(texts: Mapping[str, int], name: str) -> str | None:
    """What is wrong with the column, or None if it is not mostly dates, or all are in one form.

    Args:
        texts: that the column holds, without spaces around them, each with its rows.
        name: of the column.
    """
    forms = _forms(list(texts))
    fitting = {form: {one for one in texts if day_number(one, form) is not None} for form in forms}
    dates = set().union(*fitting.values())
    most = max(forms, key=lambda form: len(fitting[form]), default=ISO)
    others = [one for one in texts if one not in dates]
    if not mostly_dates({one: texts[one] for one in texts if one in dates}, texts):
        return None
    if fitting[most] == dates:
        return _slips(others, texts, name, most, fitting[most]) if others else None
    first = next(one for one in texts if one in fitting[most])
    other = next(one for one in texts if one in dates - fitting[most])
    also = f", and other texts such as {_examples(others)}" if others else ""
    return (
        f"holds dates written in several ways, such as '{first}' and '{other}'{also}; write them "
        "alike"
    )


def _forms(texts: Sequence[str]) -> list[str]:
    forms = [form for one in texts[:LOOKED_AT] for form in forms_of_one(one, times=False)]
    return list(dict.fromkeys([*forms, ISO]))


def _slips(
    others: Sequence[str], texts: Mapping[str, int], name: str, form: str, dates: set[str]
) -> str:
    example = next(one for one in texts if one in dates)
    rows = sum(texts[one] for one in others)
    listed = ",".join(map(quoted, others[:3]))
    return (
        f"holds dates written as '{example}', and {_examples(others)} in {rows} of "
        f"{sum(texts.values())} rows; mend these, or type 'data.missing=[{listed}]' if they stand "
        f"for a missing value; '{of_column('data.dates', name, form)}' reads the dates as day "
        "numbers"
    )


def _examples(texts: Sequence[str]) -> str:
    return joined([f"'{one[:60]}'" for one in texts], 3)
