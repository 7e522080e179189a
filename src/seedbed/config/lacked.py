"""What it means that a config of an earlier version lacks a key: what was done before."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_args

from seedbed.config.schema import ABSENT, DATA_SOURCES, RunConfig
from seedbed.config.target_keys import ABSENT_KEYS, NONE


def lacked(key: str, settings: Mapping[str, Any]) -> Any:
    """The value of a dotted key that a config lacks; None where that means nothing.

    Args:
        key: as `trainer.accumulate`.
        settings: the config, by dotted key.
    """
    group, _, name = key.rpartition(".")
    target = settings.get(f"{group}._target_")
    of_class = ABSENT_KEYS.get(target, NONE) if isinstance(target, str) else NONE
    return of_class.get(name, _lacked_of_schema().get(key))


@cache
def _lacked_of_schema() -> dict[str, Any]:
    found = dict(_keys_of(RunConfig, ""))
    for source in DATA_SOURCES.values():
        found |= _keys_of(source, "data.")
    return found


def _keys_of(schema: Any, above: str) -> Iterator[tuple[str, Any]]:
    for one in fields(schema):
        key = f"{above}{one.name}"
        if ABSENT in one.metadata:
            yield from _leaves(one.metadata[ABSENT], key)
        for kind in (one.type, *get_args(one.type)):
            if is_dataclass(kind) and isinstance(kind, type):
                yield from _keys_of(kind, f"{key}.")


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if is_dataclass(value) and not isinstance(value, type):
        for one in fields(value):
            yield from _leaves(getattr(value, one.name), f"{key}.{one.name}")
    else:
        yield key, value
