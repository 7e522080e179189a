"""The file with the weights that a run starts from: in another run, or one of its own."""

from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path

from seedbed.config.schema import InitConfig, RunConfig
from seedbed.errors import CheckpointError
from seedbed.runs.files import printable
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import open_run, read_status
from seedbed.runs.status import Status
from seedbed.runs.stored import is_stored, open_stored

WEIGHTS = (".pth", ".pt", ".bin", ".ckpt", ".safetensors")
"""How files of weights end."""


@dataclass(frozen=True)
class StartingFile:
    """Where the weights lie.

    Args:
        path: of the file.
        run: that it is of, or None.
        notes: what a person should know of it.
    """

    path: Path
    run: RunPaths | None
    notes: tuple[str, ...] = ()


def starting_file(init: InitConfig) -> StartingFile | None:
    """The file that a config names; None for a start that is drawn.

    Raises:
        CheckpointError: if there is none, or not yet, or the config names two.
        RunDirectoryError: if the run is none.
    """
    if init.run is not None and init.weights is not None:
        raise CheckpointError(
            f"init.run={init.run} and init.weights={init.weights}: a run starts from one of them; "
            "leave the other out"
        )
    if init.source is not None and "://" in init.source and not Path(init.source).exists():
        raise CheckpointError(
            f"{init.key}: '{init.source}' is a URL, and a run starts from files of this machine; "
            "copy them here by the store's own tools"
        )
    if init.run is not None:
        return _of_run(init.run, init)
    return _of_its_own(init.weights) if init.weights is not None else None


def digest_of(path: Path) -> str:
    """SHA-256 of a file of a run, as `sha256sum` tells it."""
    with open_stored(path) as file:
        return file_digest(file, "sha256").hexdigest()


def pinned(config: RunConfig) -> RunConfig:
    """The config with the fingerprint of what it starts from, which is looked up if it has none.

    Raises:
        CheckpointError, RunDirectoryError: as `starting_file`.
    """
    if config.init.source is None or config.init.fingerprint is not None:
        return config
    found = starting_file(config.init)
    return config if found is None else with_fingerprint(config, digest_of(found.path))


def with_fingerprint(config: RunConfig, fingerprint: str) -> RunConfig:
    """The config with a fingerprint of what it starts from."""
    init = {**config.resolved["init"], "fingerprint": fingerprint}
    return replace(
        config,
        init=replace(config.init, fingerprint=fingerprint),
        resolved={**config.resolved, "init": init},
    )


def refuse_changed(path: Path, init: InitConfig) -> None:
    """Refuses a file that is not the one that the config was made with.

    Raises:
        CheckpointError: naming it.
    """
    if init.fingerprint is not None and digest_of(path) != init.fingerprint:
        raise CheckpointError(
            f"{init.key}: '{path}' is not what it was: its SHA-256 is not init.fingerprint, "
            f"{init.fingerprint[:16]}…; put the file back, or start a new run without the "
            "fingerprint"
        )


def _of_run(name: str, init: InitConfig) -> StartingFile:
    path = Path(name)
    if path.is_file():
        typed = "init.weights" if path.suffix in WEIGHTS else "init.run=RUN, or init.weights"
        raise CheckpointError(f"init.run: '{name}' is a file; type {typed}={name}")
    paths = RunPaths(path)
    if not is_stored(paths.config):
        try:
            open_run(path)
        except Exception as err:
            raise CheckpointError(f"init.run: {err}{_where(path)}") from err
    status = read_status(paths)["status"]
    if status == Status.RUNNING:
        raise CheckpointError(
            f"init.run: '{name}' still trains, and its weights change; wait until it has ended"
        )
    file = {None: paths.model, "best": paths.best, "last": paths.last}[init.checkpoint]
    if not is_stored(file):
        raise CheckpointError(_without(file, paths, status))
    notes = [] if status == Status.COMPLETED else [f"init.run: '{printable(name)}' is {status}"]
    return StartingFile(file, paths, tuple(notes))


def _without(file: Path, paths: RunPaths, status: str) -> str:
    there = {"null": paths.model, "best": paths.best, "last": paths.last}
    left = [f"init.checkpoint={word}" for word, one in there.items() if is_stored(one)]
    told = f"type {' or '.join(left)}" if left else "it has no other weights either"
    return f"init.run: '{paths.root}' is {status} and has no {file.name}; {told}"


def _of_its_own(name: str) -> StartingFile:
    path = Path(name)
    if path.is_dir():
        raise CheckpointError(f"init.weights: '{name}' is a folder; for a run type init.run={name}")
    path = path.resolve() if path.exists() else path
    if not is_stored(path):
        raise CheckpointError(f"init.weights: no file '{name}'{_where(path)}")
    return StartingFile(path, None)


def _where(path: Path) -> str:
    return "" if path.is_absolute() else f"; relative paths start at '{Path.cwd()}'"
