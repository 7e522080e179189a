"""Overrides of a job without interpolations, as `sweep.json` keeps them."""

from collections.abc import Mapping
from typing import Any

from seedbed.compose.composed import ComposedConfig
from seedbed.config.key_paths import NOTHING, value_at
from seedbed.config.overrides import overrides_of


def filled_in(job: ComposedConfig) -> list[str]:
    """A job's overrides with what their `${…}` stood for, as `sweep.json` keeps them.

    Going on with a sweep then asks nothing of the environment.
    """
    return [
        _filled_in(override, job.resolved) if "$" in override else override
        for override in job.overrides
    ]


def _filled_in(override: str, resolved: Mapping[str, Any]) -> str:
    key = override.partition("=")[0]
    value = value_at(resolved, tuple(key.lstrip("+").split(".")))
    prefix = key[: len(key) - len(key.lstrip("+"))]
    return override if value is NOTHING else f"{prefix}{overrides_of({key.lstrip('+'): value})[0]}"
