"""Why a column of text is hardly one of names, and what to type for what it seems to be.

Numbers with a mark, dates, and texts of which nearly every row has its own would each become an
input for every different cell, which no model learns from.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from seedbed.config.hints import in_list, joined, of_column
from seedbed.tables.arrow_values import texts as arrow_texts
from seedbed.tables.cells import NUMBER, text_numbers
from seedbed.tables.column_kinds import rows_of_each
from seedbed.tables.date_slips import dates_with_slips
from seedbed.tables.dates import forms_of
from seedbed.tables.number_text import present
from seedbed.tables.raw_column import RawColumn
from seedbed.tables.text_form import CellForm

MISSING = (
    *("?", "-", "--", "---", "\u2013", "\u2014", ".", "..", "...", "*", "**", "/", "_"),
    *("(null)", "nil"),
    *("n.a.", "n.a", "n. a.", "k.a.", "n.d.", "nd", "missing", "unknown", "not available"),
    *("#value!", "#div/0!", "#ref!", "#name?", "#null!", "#num!", "void", "empty", "blank"),
)
"""What people write for a value that is missing, in small letters."""

FORMS: tuple[tuple[str, str | None], ...] = (
    (",", None),
    (".", ","),
    (",", "."),
    (".", " "),
    (",", " "),
    (".", "'"),
    (".", "\u2019"),
    (".", "_"),
)
"""Decimal and thousands marks that are tried."""

SYMBOLS = "%‰€$£¥₹₽₩°"
AFFIX = re.compile(rf"^[+-]?(?:([{SYMBOLS}]) ?[\d.,+-].*|.*[\d.,] ?([{SYMBOLS}]|[^\W\d_]{{1,6}}))$")

FEW_NAMES = 20
"""So many different names are fine, however few the rows."""


def why_not_names(raw: RawColumn, *, slip: bool) -> str | None:
    """What is wrong with taking a column of text for names, or None.

    Args:
        raw: the column.
        slip: whether most cells are numbers; then the others are named by their row.
    """
    name, form = raw.name, raw.form
    rows = rows_of_each(present(raw.cells, form))
    texts, total = list(rows), sum(rows.values())
    if not texts:
        return None
    numbers = [text for text in texts if _is(NUMBER, text)]
    others = [text for text in texts if not _is(NUMBER, text)]
    marks = [text for text in others if text.lower() in MISSING]
    rest = [text for text in texts if text not in marks]
    if slip:
        return _numbers_with_marks(rest, name, form, slip=True)
    if marks and len(numbers) > 2 and len(rest) == len(numbers):
        listed = ", ".join(f'"{mark}"' for mark in marks)
        return (
            f"holds numbers, and '{marks[0]}' in {rows[marks[0]]} of {total} rows; "
            f"type 'data.missing=[{listed}]' if that stands for a missing value"
        )
    return (
        _numbers_with_marks(rest, name, form, slip=False)
        or dates_with_slips(rows, name)
        or _dates(rest, name)
        or _mostly_numbers(numbers, others)
        or _lonely(len(texts), total, name, target=raw.target)
    )


def _numbers_with_marks(
    texts: Sequence[str], name: str, form: CellForm, *, slip: bool
) -> str | None:
    marked = [text for text in texts if not _is(NUMBER, text)]
    if not marked:
        return None
    if any(_is(form.number, text) for text in marked):  # as the config says
        return None if slip else _in_two_ways(texts, form)
    unit = _unit(texts)
    matches = [marks for marks in FORMS if _are_numbers(texts, form, *marks, unit)]
    if unit and _are_numbers(texts, form, ".", None, unit):
        matches = [(form.decimal, form.thousands)]
    if not matches:
        return None if slip else _in_two_ways(texts, form)
    simplest = [one for one in matches if None in one or one[0] == "."][:2] or matches[:1]
    typed = [f"'{_typed(*one, name, unit, form)}'" for one in simplest]
    return f"holds numbers written as '{marked[0]}'; type {' or '.join(typed)}"


def _in_two_ways(texts: Sequence[str], form: CellForm) -> str | None:
    """For texts that are numbers, each in some form."""
    forms = [replace(form, decimal=decimal, thousands=mark).number for decimal, mark in FORMS]
    if not all(any(_is(one, text) for one in forms) for text in texts):
        return None
    right = next(text for text in texts if _is(form.number, text) or text == texts[-1])
    wrong = next(text for text in texts if not _is(form.number, text))
    return (
        f"holds numbers written in several ways, such as '{right}' and '{wrong}'; write them alike"
    )


def _typed(decimal: str, thousands: str | None, name: str, unit: str, form: CellForm) -> str:
    overrides = []
    if decimal != form.decimal:
        overrides.append(f'data.decimal="{decimal}"')
    if thousands is not None and thousands != form.thousands:
        overrides.append(f'data.thousands="{thousands}"')
    if unit:
        overrides.append(of_column("data.units", name, unit))
    return "' '".join(overrides)


def _are_numbers(
    texts: Sequence[str], form: CellForm, decimal: str, thousands: str | None, unit: str
) -> bool:
    """Whether all are, with these marks and that unit."""
    tried = replace(form, decimal=decimal, thousands=thousands, unit=unit or None)
    return text_numbers(arrow_texts(texts, pa.string()), tried) is not None


def _unit(texts: Sequence[str]) -> str:
    """What stands before or behind the first number, and may be the unit of all."""
    match = AFFIX.match(texts[0])
    unit = (match[1] or match[2]) if match else ""
    is_size = unit.isalpha() and len(texts) <= FEW_NAMES // 2  # 5a, 5b
    return "" if is_size else unit


def _dates(texts: Sequence[str], name: str) -> str | None:
    forms = forms_of(texts, times=len(texts) > FEW_NAMES)
    if not forms:
        return None
    typed = [f"'{of_column('data.dates', name, form)}'" for form in forms[:2]]
    return (
        f"holds dates or times written as '{texts[0]}'; type {' or '.join(typed)} to read "
        "them as day numbers"
    )


def _mostly_numbers(numbers: Sequence[str], others: Sequence[str]) -> str | None:
    if len(numbers) <= max(FEW_NAMES, len(others)):
        return None
    return (
        f"holds {len(numbers)} different numbers, and {len(others)} other texts such as "
        f"{joined([repr(text) for text in others], 3)}; mend these, or name them in data.missing "
        "if they stand for a missing value"
    )


def _lonely(different: int, rows: int, name: str, *, target: bool) -> str | None:
    if different <= FEW_NAMES or 2 * different <= rows:
        return None
    kind = "classes" if target else "names"
    instead = (
        "choose another target" if target else f"type 'data.drop=[{in_list(name)}]' to leave it out"
    )
    return f"has {different} different {kind} in {rows} rows, nearly one a row; {instead}"


def _is(pattern: str, text: str) -> bool:
    """As Arrow, which knows the digits of ASCII alone."""
    return re.match(pattern, text, re.ASCII) is not None
