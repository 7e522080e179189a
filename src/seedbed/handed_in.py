"""Objects that a Python program hands in: rows and models that no config can describe.

A config names them by a fingerprint; here they are found by it, as long as the call goes on that
handed them in.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seedbed.errors import ArgumentError

KEY = "handed_in"
"""Of a model's config: the fingerprint of a module that a program built."""

_items: dict[str, Any] = {}


@contextmanager
def handing_in(items: Mapping[str, Any]) -> Iterator[None]:
    """Lets what runs inside find the objects.

    Args:
        items: by their fingerprints.
    """
    if items.keys() <= _items.keys():  # as in a job of the process that handed them in
        yield
        return
    before = dict(_items)
    _items.update(items)
    try:
        yield
    finally:
        _items.clear()
        _items.update(before)


def handed_in(fingerprint: object) -> Any:
    """The object of that fingerprint; None if it was not handed in."""
    return _items.get(fingerprint) if isinstance(fingerprint, str) else None


def key_of_module(config: Mapping[str, Any], path: Path) -> str:
    """The fingerprint of the module that a run was begun with.

    Args:
        config: of the run, as its directory has it.
        path: of the run.

    Raises:
        ArgumentError: if it was begun without.
    """
    spec = config.get("model")
    key = spec.get(KEY) if isinstance(spec, dict) else None
    if not isinstance(key, str):
        raise ArgumentError(f"the config of '{path}' describes its model; leave out model=")
    return key


def all_handed_in() -> Mapping[str, Any]:
    """Everything, for another process to hand in there."""
    return dict(_items)
