"""Overrides as a person types them, made from values."""

import json
from collections.abc import Mapping
from typing import Any

from seedbed.compose.composed import Composed
from seedbed.config.key_paths import NOTHING, at

Words = list[str]
Settings = Mapping[str, Any]


def overrides_of(settings: Settings) -> Words:
    """Overrides that give each key its value."""
    return [f"{key}={_written(value)}" for key, value in settings.items()]


def _written(value: Any) -> str:
    """A value in Hydra's grammar."""
    if isinstance(value, str):
        plain = value.replace("_", "").replace("-", "").replace(".", "").isalnum()
        return value if plain else "'" + value.replace("'", "\\'") + "'"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{key}:{_written(item)}" for key, item in value.items()) + "}"
    return repr(value) if isinstance(value, float) else json.dumps(value)


def filled_in(job: Composed) -> list[str]:
    """A job's overrides with what their `${…}` stood for, as `sweep.json` keeps them.

    Going on with a sweep then asks nothing of the environment.
    """
    return [_filled_in(word, job.plain) if "$" in word else word for word in job.overrides]


def _filled_in(word: str, plain: dict[str, Any]) -> str:
    key = word.partition("=")[0]
    value = at(plain, tuple(key.lstrip("+").split(".")))
    prefix = key[: len(key) - len(key.lstrip("+"))]
    return word if value is NOTHING else f"{prefix}{overrides_of({key.lstrip('+'): value})[0]}"
