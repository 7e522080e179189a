"""Values in the JSON of the page, which has neither NaN nor integers beyond those of a double."""

import json
import math
from typing import Any

from seedbed.views.run_rows import plain

LARGEST_INTEGER = 2**53
"""Beyond it JavaScript rounds."""


def cell(value: Any) -> Any:
    """A value of a run; a number that JSON cannot carry is `{"number": TEXT}`."""
    value = plain(value)
    match value:
        case float() if not math.isfinite(value):
            return {"number": _infinite(value)}
        case int() if not isinstance(value, bool) and abs(value) > LARGEST_INTEGER:
            return {"number": _digits(value)}
        case list():
            return [cell(one) for one in value]
        case dict():
            return json.dumps(value, ensure_ascii=False, default=str)
    return value


def _infinite(value: float) -> str:
    """As JavaScript's `Number` reads it."""
    return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"


def _digits(value: int) -> str:
    """Python refuses to write integers of very many digits."""
    try:
        return str(value)
    except ValueError:
        return _infinite(math.copysign(math.inf, value))
