"""Paths of keys in a config of plain containers, and what stands there.

Without Hydra and OmegaConf, which the process that trains a sweep never imports.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Path = tuple[str | int, ...]
"""Keys from the top of a config down; integers are indices in lists."""

NOTHING = object()
"""Stands where no key is."""


def value_at(container: Any, path: Path) -> Any:
    """What stands at `path`, or `NOTHING`."""
    for key in path:
        if isinstance(container, dict):
            container = container.get(key, NOTHING)
        elif isinstance(container, list) and isinstance(key, int) and key < len(container):
            container = container[key]
        else:
            return NOTHING
    return container


def dotted_keys(config: Mapping[Any, Any], path: str = "") -> Iterator[str]:
    """The keys of a config and of the groups within it, dotted."""
    for key, value in config.items():
        where = f"{path}.{key}" if path else str(key)
        yield where
        if isinstance(value, Mapping):
            yield from dotted_keys(value, where)
