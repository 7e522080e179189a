"""`data.path=FILE` after `resume RUN` or `reproduce RUN`: where the run's data lies now.

What the data is stays the run's: it is compared with the fingerprint that the run keeps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from seedbed.errors import ArgumentError
from seedbed.runs.data_paths import FILE_KEYS

PARTS = ("train", "validation", "test")
"""Of a Dataset of the user's own: any text among its arguments may be a path."""


@dataclass(frozen=True)
class Relocation:
    """What was put in the place of what.

    Args:
        changes: by the path of the key below `data`: the text before, and after.
    """

    changes: Mapping[tuple[str, ...], tuple[str, str]]

    def __call__(self, plain: dict[str, Any]) -> None:
        """Does the same to the config of another run of the same data; it is changed in place."""
        for path, (before, after) in self.changes.items():
            inner = plain.get("data")
            for key in path[:-1]:
                inner = inner.get(key) if isinstance(inner, dict) else None
            if isinstance(inner, dict) and inner.get(path[-1]) == before:
                inner[path[-1]] = after


def relocated(plain: dict[str, Any], words: Sequence[str]) -> tuple[Relocation, list[str]]:
    """Puts where the data lies now into the config.

    Args:
        plain: the resolved config of the run; changed in place.
        words: as typed.

    Returns:
        What was changed, and the words that are about something else.

    Raises:
        ArgumentError: if a key of `data` names no file of the run.
    """
    changes: dict[tuple[str, ...], tuple[str, str]] = {}
    others = []
    for word in words:
        key, equals, value = word.partition("=")
        if not key.startswith("data.") or not equals:
            others.append(word)
            continue
        path = tuple(key.split(".")[1:])
        known = places(plain.get("data"))
        if path not in known:
            named = ", ".join(f"data.{'.'.join(one)}" for one in known) or "no file"
            raise ArgumentError(f"'{word}': the run's data names {named}, nothing else can move")
        changes[path] = (known[path], _unquoted(value))
    relocation = Relocation(changes)
    relocation(plain)
    return relocation, others


def places(data: Any) -> dict[tuple[str, ...], str]:
    """The keys below `data` that say where it lies, with their texts.

    Args:
        data: of a resolved config.
    """
    if not isinstance(data, Mapping):
        return {}
    found: dict[tuple[str, ...], Any] = {(key,): data.get(key) for key in FILE_KEYS}
    for part in PARTS:
        spec = data.get(part)
        if isinstance(spec, Mapping):
            found |= {(part, str(k)): value for k, value in spec.items() if k != "_target_"}
    return {path: value for path, value in found.items() if isinstance(value, str)}


def _unquoted(value: str) -> str:
    """Without the quotes that Hydra's grammar asks for in `train`."""
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
