"""Which keys the interpolations of a config name."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def is_used(key: str, raw: Mapping[str, Any], but_by: Sequence[str] = ()) -> bool:
    """Whether an interpolation names a key, what is in it or around it.

    Those at the keys of `but_by` count only where such a key is used itself.
    """
    return any(
        path not in but_by or is_used(path, raw, [one for one in but_by if one != path])
        for path, text in _interpolations(raw)
        if any(_may_name(name, key) for name in re.findall(r"[\w.]+", text))
    )


def _may_name(name: str, key: str) -> bool:
    if name.startswith("."):  # from where it stands
        return not {*name.split(".")}.isdisjoint(key.split("."))
    return f"{key}.".startswith(f"{name}.") or name.startswith(f"{key}.")


def _interpolations(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping | list):
        items = node.items() if isinstance(node, Mapping) else enumerate(node)
        for key, value in items:
            yield from _interpolations(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, str) and "${" in node:
        yield path, node
