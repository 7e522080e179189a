"""The user's own code behind a run: a digest of each of its modules, to see that they are the same.

Kept are the modules that were imported of the packages whose classes the config names; torch's and
Seedbed's own are known by their versions.
"""

import sys
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from seedbed.config.hints import joined
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json
from seedbed.runs.stored import is_stored

KNOWN_BY_VERSION = {"torch", "seedbed"}


def code_of(config: Mapping[str, Any]) -> dict[str, str]:
    """The SHA-256 of each module's file, by the module's name.

    Args:
        config: of a run whose parts are built, so that their modules are imported.
    """
    packages = {target.partition(".")[0] for target in _targets(config)} - KNOWN_BY_VERSION
    if not packages:
        return {}
    names = [name for name in sys.modules if name.partition(".")[0] in packages]
    digests = {name: _digest(name) for name in sorted(names)}
    return {name: digest for name, digest in digests.items() if digest is not None}


def changed_code(paths: RunPaths) -> tuple[str, ...]:
    """A note if modules that are imported now are not what they were when the run was made.

    Raises:
        RunDirectoryError: if the run's environment is missing or damaged.
    """
    before = read_json(paths.environment).get("code") if is_stored(paths.environment) else None
    if not isinstance(before, Mapping):
        return ()
    changed = [name for name, digest in before.items() if _digest(name) not in (None, digest)]
    if not changed:
        return ()
    which = joined([str(Path(str(sys.modules[name].__file__)).name) for name in changed], 4)
    return (
        f"{which} changed since the run '{paths.root}' was made; what it computes may be another",
    )


def _targets(config: Any) -> Iterator[str]:
    if isinstance(config, Mapping):
        for key, value in config.items():
            if key == "_target_" and isinstance(value, str):
                yield value
            else:
                yield from _targets(value)
    elif isinstance(config, list):
        for item in config:
            yield from _targets(item)


def _digest(name: str) -> str | None:
    """Of the file of a module that is imported; None if it is not, or has none."""
    file = getattr(sys.modules.get(name), "__file__", None)
    try:
        return sha256(Path(file).read_bytes()).hexdigest() if file else None
    except OSError:
        return None
