"""Regular expressions on the names of parameters, as the config has them."""

import re
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from seedbed.config.hints import joined, shortened
from seedbed.errors import ConfigError
from seedbed.runs.files import printable

SPECIAL = re.compile(r"[\\^$*+?()\[\]{}|]")
"""What stands for something else in an expression; the rest is like a name."""


LONGEST = 200
"""Characters of an expression."""

ESCAPED = re.compile(r"\\.", re.DOTALL)
CLASS = re.compile(r"\[\^?\]?[^\]]*\]")
INNERMOST = re.compile(r"\(([^()]*)\)")
UNSEEN = re.compile(r"\(\?(#|[a-zA-Z-]*x)")
"""Comments, and the flag by which spaces are none: they hide what an expression repeats."""

GROUP_REPEATED = re.compile(r"\)[*+{]")
REPEATS = re.compile(r"[*+{]")
OPTIONAL = re.compile(r"(?<!\()\?")
MOST_REPEATS, MOST_WAYS = 3, 2**8
"""Of an expression; with more, or with a group that repeats, a search may take years, and a
stranger's config may ask for it."""


def names_found(patterns: Sequence[str], names: Sequence[str], key: str) -> list[str]:
    """The names in which one of the expressions is found, in their order.

    Args:
        patterns: as `re.search` takes them; `^` and `$` hold them to a name's beginning and end.
        names: of parameters.
        key: of the config, for errors.

    Raises:
        ConfigError: for each expression that is none, or is found in no name; closest names first.
    """
    problems: list[str] = []
    found: set[str] = set()
    for pattern in patterns:
        if endless := _endless(pattern):
            problems.append(f"{key}: {_shown(pattern)} {endless}")
            continue
        try:
            matches = [name for name in names if re.search(pattern, name)]
        except (re.error, OverflowError, RecursionError) as err:
            problems.append(f"{key}: {_shown(pattern)} is no regular expression: {err}")
            continue
        if not matches:
            there = [printable(name) for name in closest_first(pattern, names)]
            problems.append(f"{key}: {_shown(pattern)} matches none of {joined(there)}")
        found.update(matches)
    if problems:
        raise ConfigError(*problems)
    return [name for name in names if name in found]


def closest_first(pattern: str, names: Iterable[str]) -> list[str]:
    """The names, those first that are most like an expression."""
    meant = SPECIAL.sub("", pattern)

    def unlike(name: str) -> float:
        return -SequenceMatcher(None, meant, name[: len(meant) + 1]).ratio()

    return sorted(names, key=unlike)


def _endless(pattern: str) -> str:
    """Why a search for an expression might have no end; empty if it cannot."""
    if len(pattern) > LONGEST:
        return f"has {len(pattern)} characters; {LONGEST} are the most"
    bare = ESCAPED.sub("_", pattern)
    if UNSEEN.search(bare):
        return "has a comment or the flag x, which no name needs; leave it out"
    if GROUP_REPEATED.search(bare):
        return "repeats a group, which no name needs; write it out, or give two expressions"
    if len(REPEATS.findall(bare)) > MOST_REPEATS:
        return f"has more than {MOST_REPEATS} of *, + and {{}}; give two expressions"
    if _ways(bare) > MOST_WAYS:
        return f"leaves more than {MOST_WAYS} ways to match; give two expressions"
    return ""


def _ways(bare: str) -> int:
    """How many ways optional parts and the alternatives of groups leave, at most."""
    ways = 2 ** len(OPTIONAL.findall(bare))
    left = CLASS.sub("_", bare)
    while group := INNERMOST.search(left):
        ways *= group[1].count("|") + 1
        left = left[: group.start()] + left[group.end() :]
    return int(ways)


def _shown(pattern: str) -> str:
    return f"'{printable(shortened(pattern))}'"
