"""What stands in a cell of a table of runs: the value that a record has under a name."""

import json
import math
from collections import Counter
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any, Final

from seedbed.catalog.record import RunRecord
from seedbed.config.lacked import lacked
from seedbed.remote.places import shown

MISSING: Final = None
"""Of a run that has no such key; a setting that is null looks the same in a table."""

ABSENT: Final = object()
"""Of a run whose config has no such key."""

CONFIG = "config."
"""In front of a key of the config that has the name of a field."""

BEST = "best."

FIELDS: dict[str, Callable[[RunRecord], Any]] = {
    "name": lambda run: run.name,
    "path": lambda run: shown(run.path),
    "when": lambda run: run.started,
    "status": lambda run: str(run.status),
    "epoch": lambda run: run.epoch,
    "epochs": lambda run: run.epochs,
    "seconds": lambda run: run.seconds,
    "sweep": lambda run: None if run.sweep is None else str(run.sweep),
    "tags": lambda run: run.tags,
    "note": lambda run: run.note or None,
    "problem": lambda run: run.problem or None,
    **{
        fact: lambda run, fact=fact: run.facts.get(fact)  # type: ignore[misc]
        for fact in ("task", "parameters", "engine", "device")
    },
}
"""What a record tells beside its settings and metrics, by the name of the column."""


def value_of(run: RunRecord, key: str) -> Any:
    """What a run has under a name; None where it has nothing.

    Args:
        run: of it.
        key: a field, a metric, `best.` and a metric, a dotted key of the config, or a config group.
    """
    field = FIELDS.get(key)
    if field is not None:
        return field(run)
    if key in run.metrics:
        return run.metrics[key]
    if key.startswith(BEST) and key[len(BEST) :] in run.best:
        return run.best[key[len(BEST) :]]
    return setting_of(run, key.removeprefix(CONFIG))


OTHER_NAMES = {"tag": "tags", "started": "when", "time": "seconds"}
"""What a field is called too, where no key of the config has that name."""


def full_name(name: str, names: Container[str]) -> str:
    """The name under which a value is found.

    Args:
        name: as typed.
        names: that `keys_of` gives.
    """
    return name if name in names else OTHER_NAMES.get(name, name)


def column_of(key: str) -> str:
    """The name of a key of the config as a column's: another where a field has that name."""
    return f"{CONFIG}{key}" if key in FIELDS else key


def setting_of(run: RunRecord, key: str) -> Any:
    """The value of a key of the config, or the option of a config group.

    The config of an earlier version may lack the key; the value is what that means then.
    """
    if key in run.settings:
        return run.settings[key]
    return run.choices.get(key, lacked(key, run.settings) if run.settings else MISSING)


def settings_of(runs: Sequence[RunRecord], key: str) -> list[Any]:
    """As `setting_of`, of many runs."""
    values = [run.settings.get(key, ABSENT) for run in runs]
    if ABSENT not in values:
        return values
    return [
        setting_of(run, key) if value is ABSENT else value
        for run, value in zip(runs, values, strict=True)
    ]


def setting_names(runs: Sequence[RunRecord]) -> list[str]:
    """Config groups, and then keys of the config, that a run of these has."""
    groups: dict[str, Any] = {}
    for choices in {id(run.choices): run.choices for run in runs}.values():
        groups.update(choices)
    keys = chain.from_iterable(dict.fromkeys(tuple(run.settings) for run in runs))
    return list(dict.fromkeys([*groups, *keys]))


def keys_of(runs: Sequence[RunRecord]) -> list[str]:
    """All names that a run of these has a value under, each once."""
    metrics = chain.from_iterable(dict.fromkeys(tuple(run.metrics) for run in runs))
    best = chain.from_iterable(dict.fromkeys(tuple(run.best) for run in runs))
    names = [*FIELDS, *metrics, *(f"{BEST}{name}" for name in best), *setting_names(runs)]
    return list(dict.fromkeys(names))


def is_nothing(value: Any) -> bool:
    """Whether there is no value, or one that is not defined."""
    return value is None or value == () or (isinstance(value, float) and math.isnan(value))


def identity(value: Any) -> Any:
    """Equal for values that are the same setting: 1 and 1.0, but not 1 and true; so in lists."""
    if isinstance(value, bool):
        return f"bool {value}"
    if isinstance(value, float) and math.isnan(value):
        return "float nan"
    if isinstance(value, str):
        return f"text {value}"
    if isinstance(value, list | tuple):
        return ("list", *map(identity, value))
    if isinstance(value, dict):
        return ("mapping", *sorted((str(key), identity(one)) for key, one in value.items()))
    return value


def distinct_texts(values: Sequence[Any], write: Callable[[Any], str]) -> list[str]:
    """Settings as texts, in full where two that differ would have one text.

    Args:
        values: of one key.
        write: makes a short text of a value.
    """
    texts = list(map(write, values))
    counts = Counter(text for text, _ in dict.fromkeys(zip(texts, identities(values), strict=True)))
    return [
        text if counts[text] == 1 else json.dumps(value, ensure_ascii=False, default=str)
        for text, value in zip(texts, values, strict=True)
    ]


def identities(values: Sequence[Any]) -> list[Any]:
    """As `identity`, of the values of many runs: those of runs of one form are one object."""
    if {*map(type, values)} <= {int, type(None)}:
        return list(values)
    known = {key: identity(value) for key, value in {id(one): one for one in values}.items()}
    return [known[id(one)] for one in values]


def differ(values: Sequence[Any]) -> bool:
    """Whether settings are not all the same."""
    first = values[0]
    alike = values.count(first)
    if alike == len(values) and {*map(type, values)} <= {type(first)}:
        return False  # most keys, by one comparison each, in C
    return len(set(identities(values))) > 1


def cells_of(
    runs: Sequence[RunRecord],
    keys: Iterable[str],
    known: Mapping[str, Sequence[Any]] = MappingProxyType({}),
) -> list[tuple[Any, ...]]:
    """Of each run, what it has under keys of the config, to be held against another's.

    Args:
        runs: each.
        keys: of the config.
        known: what tells more of a key than its values, of each run.
    """
    columns = [known.get(key) or identities(settings_of(runs, key)) for key in keys]
    return list(zip(*columns, strict=True)) if columns else [()] * len(runs)


def decide(deciding: Iterable[Hashable], cells: Iterable[Hashable]) -> bool:
    """Whether runs that have the same of the first have the same of the second."""
    known: dict[Hashable, Hashable] = {}
    pairs = zip(deciding, cells, strict=True)
    return all(known.setdefault(one, cell) == cell for one, cell in pairs)
