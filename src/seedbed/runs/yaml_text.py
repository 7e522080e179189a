"""YAML for the runs of a sweep: most of what they write is the same in all of them.

What files have in common is turned into text once, down to single keys where the rest differs. The
text is to the byte that of one dump of the whole.
"""

import marshal
import re
from functools import lru_cache
from typing import Any

import yaml

YamlDumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)

MOST_KEPT = 2048
"""Texts of parts."""

LONG = 16384
"""Bytes of a part that is kept among a few: rows of data, or the settings of a sweep."""

LONGEST = 2**20
"""Bytes of a part whose text is kept."""

DEEPEST = 4
"""Keys above a part; what lies deeper is one part."""

PLAIN_TEXT = re.compile(r"[A-Za-z_/][A-Za-z0-9_./=+-]{0,500}").fullmatch
DIGITS = re.compile(r"0|[1-9][0-9]{0,9}").fullmatch
YAML_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))
"""Texts that stand as they are; those of an integer, in quotes; those that mean something else."""

Path = tuple[Any, ...]

_differing: set[Path] = set()
"""Mappings that were written before with something else in them, so that they are taken apart."""


def yaml_text(content: Any) -> str:
    """`content` as YAML, keys in their own order.

    Args:
        content: plain containers and what they hold; two that are the same object are told as
            such, by an anchor.
    """
    if type(content) is not dict or not content or _repeats(content, set()):
        return dumped(content)
    path: Path = ()
    inner = content
    if len(content) == 1:  # as in hydra.yaml, where all is below one key
        ((key, inner),) = content.items()
        path = (key,)
    if not _is_taken_apart(path, inner):
        return dumped(content)
    return _own_line(path) + _parts(path, inner)


def dumped(content: Any) -> str:
    """`content` as YAML, in one go."""
    text: str = yaml.dump(content, Dumper=YamlDumper, sort_keys=False, allow_unicode=True)
    return text


def _parts(path: Path, mapping: dict[Any, Any]) -> str:
    return "".join(_part((*path, key), value) for key, value in mapping.items())


def _part(path: Path, value: Any) -> str:
    """The last key of the path and its value, as they stand in the whole."""
    try:
        # Equal bytes are equal contents, types and all, which equal objects are not: 1 == True.
        packed = marshal.dumps((path, value), 2)
    except ValueError:
        return _dumped_part(path, value)
    if len(packed) > LONGEST:
        return _dumped_part(path, value)
    return _long(packed) if len(packed) > LONG else _short(packed)


def _unpacked_part(packed: bytes) -> str:
    path, value = marshal.loads(packed)
    if _is_taken_apart(path, value):
        return _own_line(path) + _parts(path, value)
    return _dumped_part(path, value)


_short = lru_cache(MOST_KEPT)(_unpacked_part)
_long = lru_cache(16)(_unpacked_part)


def _dumped_part(path: Path, value: Any) -> str:
    key, margin = _written(path[-1]), "  " * (len(path) - 1)
    if key is not None:
        if (word := _word(value)) is not None:
            return f"{margin}{key}: {word}\n"
        words = [_word(one) for one in value] if type(value) is list else []
        if words and None not in words:
            return f"{margin}{key}:\n" + "".join(f"{margin}- {one}\n" for one in words)
    for key in reversed(path):
        value = {key: value}
    return dumped(value).split("\n", len(path) - 1)[-1]


def _word(value: Any) -> str | None:
    """A number or a text as YAML writes it, where that is plain to see; None if it is to be asked.

    What sets jobs apart is mostly such, and asking takes ten times as long.
    """
    if type(value) is int:
        return str(value)
    if type(value) is str:
        if DIGITS(value):
            return f"'{value}'"
        if PLAIN_TEXT(value) and value.lower() not in YAML_WORDS:
            return value
    return None


def _is_taken_apart(path: Path, value: Any) -> bool:
    """Whether a mapping's keys are written one by one: from the second time on."""
    if type(value) is not dict or not value or len(path) >= DEEPEST:
        return False
    if path and _written(path[-1]) is None:
        return False
    known = path in _differing
    _differing.add(path)
    return known


def _own_line(path: Path) -> str:
    return f"{'  ' * (len(path) - 1)}{_written(path[-1])}:\n" if path else ""


@lru_cache(MOST_KEPT)
def _written(key: Any) -> str | None:
    """A key as YAML writes it, or None if it takes more than a part of one line."""
    text = dumped({key: 0}) if type(key) is str else ""
    return text.removesuffix(": 0\n") if text.count("\n") == 1 and len(key) < 100 else None


def _repeats(container: Any, seen: set[int]) -> bool:
    """Whether an object that YAML would give an anchor may be there twice."""
    if id(container) in seen:
        return True
    seen.add(id(container))
    for value in container.values() if type(container) is dict else container:
        if type(value) in WITHOUT_ANCHOR:
            continue
        if type(value) not in (dict, list) or _repeats(value, seen):
            return True
    return False


WITHOUT_ANCHOR = frozenset((str, int, float, bool, type(None)))
