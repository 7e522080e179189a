"""Fingerprints of what runs start from, put into their configs before anything is made of these."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from seedbed.compose.composed import ComposedConfig
from seedbed.config.schema import RunConfig
from seedbed.errors import RunDirectoryError
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_config
from seedbed.runs.starting_file import pinned, with_fingerprint
from seedbed.runs.stored import is_stored

SOURCE = ("run", "weights", "checkpoint")
"""Keys of `init` that say which file it is."""


def with_fingerprints(
    jobs: Sequence[ComposedConfig], begun: Sequence[Path] = ()
) -> list[ComposedConfig]:
    """The configs with the fingerprint of what each starts from; they share what they shared.

    Args:
        jobs: composed.
        begun: their run directories, where these may be there: what a run began with counts, as
            one that goes on needs it no more.

    Raises:
        CheckpointError, RunDirectoryError: for the first whose source is not there.
    """
    if all(one.config.init.source is None for one in jobs):
        return list(jobs)
    digests: dict[str, str] = {}
    groups: dict[str, RunConfig] = {}
    found = []
    for number, one in enumerate(jobs):
        before = _begun_with(one.config, begun[number]) if begun else None
        config = with_fingerprint(one.config, before) if before else _pinned(one.config, digests)
        first = groups.setdefault(str(config.resolved.get("init")), config)
        if first is not config:
            resolved = {**config.resolved, "init": first.resolved["init"]}
            config = replace(config, init=first.init, resolved=resolved)
        found.append(replace(one, config=config))
    return found


def _pinned(config: RunConfig, digests: dict[str, str]) -> RunConfig:
    """With the fingerprint; each file is read once."""
    key = str([getattr(config.init, name) for name in SOURCE])
    if config.init.fingerprint is None and key in digests:
        return with_fingerprint(config, digests[key])
    config = pinned(config)
    if config.init.fingerprint is not None:
        digests[key] = config.init.fingerprint
    return config


def _begun_with(config: RunConfig, run: Path) -> str | None:
    """The fingerprint in a run's own config, if it began from the same source."""
    paths = RunPaths(run)
    if config.init.source is None or not is_stored(paths.config):
        return None
    try:
        init: Any = read_config(paths).get("init")
    except RunDirectoryError:
        return None
    same = isinstance(init, Mapping) and all(
        init.get(name) == getattr(config.init, name) for name in SOURCE
    )
    digest = init.get("fingerprint") if same else None
    return digest if isinstance(digest, str) and len(digest) == 64 else None
