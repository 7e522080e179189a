"""Configs of runs, composed as the jobs of a sweep are: Hydra once for each choice of options.

A test of `compose/` holds these equal to what Hydra composes one by one, which takes a tenth of a
second each; tests ask for thousands.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from seedbed.compose.compose import ConfigSource, composed
from seedbed.compose.composed import ComposedConfig
from seedbed.compose.sweep_jobs import JobComposer, sweep_config
from seedbed.config.check import checked
from seedbed.config.schema import RunConfig


def composed_quickly(words: Sequence[str]) -> ComposedConfig:
    """What `composed` gives for these overrides; its error too, for which Hydra has to run.

    Nothing in it may be changed: configs share what they have in common.
    """
    if any("hydra" in word or "${" in word for word in words):
        return composed(words)
    try:
        return composer().composed(0, words)
    except Exception:
        return composed(words)


@cache
def composer() -> JobComposer:
    """Of all tests of this process; it keeps what it has composed."""
    with sweep_config([], ConfigSource()) as (loader, sweep):
        return JobComposer(loader, sweep)


def changed(words: Sequence[str], settings: Mapping[str, Any]) -> ComposedConfig:
    """The config of these overrides with some keys set, or added."""
    there = composed_quickly(words).resolved
    more = [
        f"{'' if _has(there, key) else '++'}{key}={_typed(value)}"
        for key, value in settings.items()
    ]
    return composed_quickly([*words, *more])


def group_by_group(words: Sequence[str], settings: Mapping[str, Any]) -> RunConfig:
    """The config of these overrides with some keys set, where no group reads another's keys.

    Each group is composed by itself, so that a choice of options is composed once, and not once for
    each choice of the others. The name of the run is that of its data.
    """
    groups = sorted({word.partition("=")[0].partition(".")[0] for word in words} | {"data"})
    parts = {}
    for group in groups:
        own = [word for word in words if word.startswith((f"{group}=", f"{group}."))]
        parts[group] = composed_quickly(own).resolved
    whole = {**parts["data"], **{group: parts[group][group] for group in groups}}
    for key, value in settings.items():
        *path, name = key.split(".")
        inner = whole
        for group in path:
            inner[group] = dict(inner[group] or {})
            inner = inner[group]
        inner[name] = value
    return checked(whole)


def _has(config: Any, key: str) -> bool:
    for name in key.split("."):
        if not isinstance(config, Mapping) or name not in config:
            return False
        config = config[name]
    return True


def _typed(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_typed, value))}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{_typed(one)}' for key, one in value.items())}}}"
    words = {None: "null", True: "true", False: "false"}
    return words[value] if value is None or isinstance(value, bool) else str(value)
