"""Says how to write an override that Hydra's grammar cannot read, or reads as something else."""

import re
import shlex

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException


def quoted_override(override: str, *, items: bool = False) -> str | None:
    """The override with its value as a quoted text, as it is typed in a shell.

    Args:
        override: `KEY=VALUE`, as it was typed.
        items: whether commas part the values of a sweep; each is quoted on its own then.

    Returns:
        None if that is no override either.
    """
    key, equals, value = override.partition("=")
    if not equals or ("${" in value and value.count("{") != value.count("}")):
        return None
    if value[:1] == "[":
        typed = f"{key}=[{_each(value[1:-1])}]" if value[-1] == "]" else ""
    elif value[:1] == "{":
        typed = ""  # its keys cannot be quoted
    else:
        typed = f"{key}={_each(value) if items else _in_quotes(value)}"
    return shlex.quote(typed) if _is_read(typed) else None


def overrides_apart(override: str) -> str | None:
    """Overrides that were typed as one text, or one with spaces around its `=`, as in a shell.

    Returns:
        None if it is neither.
    """
    apart = re.sub(r"\s*=\s*", "=", override.strip()).split()
    if apart == [override] or not all("=" in one and _is_read(one) for one in apart):
        return None
    return " ".join(map(shlex.quote, apart))


def _each(values: str) -> str:
    """Values with commas between; those that cannot be read are quoted."""
    return ",".join(_quoted(one.strip()) for one in values.split(","))


def _quoted(value: str) -> str:
    return value if value and _is_read(f"key={value}") else _in_quotes(value)


def _in_quotes(value: str) -> str:
    """In double quotes; backslashes stand for themselves unless a quote follows them."""
    bare = value
    for quote in "'\"":
        if len(value) > 1 and value[0] == value[-1] == quote:
            bare = value[1:-1]
    backslashes = len(bare) - len(bare.rstrip("\\"))  # these would escape the quote
    return '"' + bare.replace('"', '\\"') + "\\" * backslashes + '"'


def _is_read(override: str) -> bool:
    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        return False
    return True
