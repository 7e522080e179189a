"""What the runs were made with: the versions, the machine, the commit; and how they were started.

What all runs share stands there once, what differs with the number of runs that have it.
"""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seedbed.catalog.record import RunRecord
from seedbed.errors import RunDirectoryError
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json
from seedbed.views.run_text import cell_text
from seedbed.views.text_table import NOTHING

NOT_TOLD = ("command", "folder", "git.diff")
"""Told apart, or too long."""

MOST_TOLD = 12
"""Values of one key."""


def environments(records: Sequence[RunRecord]) -> list[dict[str, Any]]:
    """`environment.json` of each run; empty where there is none that can be read."""
    return [_read(run) for run in records]


def made_with(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The shared part, the differing part, and how many runs do not tell."""
    told = [_texts(one) for one in found if one]
    keys = dict.fromkeys(key for one in told for key in one)
    counts = {key: Counter(one.get(key, NOTHING) for one in told) for key in keys}
    return {
        "shared": [[key, next(iter(n))] for key, n in counts.items() if len(n) == 1],
        "differing": [
            [key, [list(one) for one in n.most_common(MOST_TOLD)], max(0, len(n) - MOST_TOLD)]
            for key, n in counts.items()
            if len(n) > 1
        ],
        "without": len(found) - len(told),
    }


def starts(found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What sweeps and single runs were started with: each command once, and of how many runs."""
    counts: Counter[tuple[str, str]] = Counter()
    for told in found:
        words, folder = told.get("command"), told.get("folder")
        if isinstance(words, list) and words and all(isinstance(one, str) for one in words):
            counts[shlex.join(words), str(folder or "")] += 1
    return [
        {"command": printable(line), "folder": printable(folder), "runs": number}
        for (line, folder), number in counts.most_common(MOST_TOLD)
    ]


def _read(run: RunRecord) -> dict[str, Any]:
    try:
        return read_json(RunPaths(run.path).environment)
    except RunDirectoryError:
        return {}


def _texts(told: Mapping[str, Any]) -> dict[str, str]:
    return {
        printable(key): printable(NOTHING if value is None else cell_text(value))
        for key, value in _flat(told, "")
        if key not in NOT_TOLD
    }


def _flat(mapping: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in mapping.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        elif value != []:
            yield name, value
