"""Reads a run directory that may come from a stranger: plain data only, of bounded size.

Nothing here builds an object that a file names; YAML is loaded without tags, JSON and CSV as text.
"""

import csv
import io
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from seedbed.config.hints import counted, did_you_mean, joined
from seedbed.errors import DirectoryTakenError, RunDirectoryError
from seedbed.runs.files import UNPRINTABLE, YamlLoader, printable
from seedbed.runs.layout import EVENT_PREFIX, RunPaths
from seedbed.runs.living import is_being_made
from seedbed.runs.status import GONE, Status
from seedbed.runs.stored import is_stored, read_stored, runs_in_packs
from seedbed.runs.unpacking import unpack_in_place
from seedbed.runs.yaml_bombs import refuse_bomb

LARGEST_TEXT = 32 * 2**20
"""Bytes; a config or table larger than this is not one of ours."""

LARGEST_LIST = 128 * 2**20
"""Bytes of a sweep's list of jobs, each of which has 370 or so."""

MOST_EPOCHS = 1_000_000
"""Rows of a history."""

STATUSES = [one for one in Status if one not in (Status.PENDING, Status.PRUNED)]


def open_run(path: str | Path) -> RunPaths:
    """The run directory at `path`.

    Raises:
        RunDirectoryError: if there is none.
    """
    root = Path(path)
    if UNPRINTABLE.search(str(root)):
        raise RunDirectoryError(
            f"'{printable(str(root))}' has control characters in its name; rename it first"
        )
    unpack_in_place(root)
    if not root.is_dir():
        near = [printable(p.name) for p in root.parent.iterdir()] if root.parent.is_dir() else []
        near += [*runs_in_packs(root.parent)]
        if root.exists():
            raise RunDirectoryError(f"'{root}' is a file, not a run directory")
        raise RunDirectoryError(
            f"run directory '{root}' does not exist{did_you_mean(root.name, near)}"
        )
    paths = RunPaths(root)
    if not paths.config.is_file():
        inside = sorted(printable(p.parent.name) for p in root.glob("*/config.yaml"))
        hint = f"; it holds the runs {joined(inside, 3)}" if inside else ""
        raise RunDirectoryError(f"'{root}' is no run directory: it has no config.yaml{hint}")
    return paths


def open_to_read(path: str | Path) -> RunPaths:
    """As `open_run`, for who writes nothing: a run that trains in a pack is read from there.

    There need be no directory then; what was written of the run is read as of any in a pack.

    Raises:
        RunDirectoryError: as `open_run`.
    """
    try:
        return open_run(path)
    except DirectoryTakenError:
        paths = RunPaths(Path(path))
        if not is_stored(paths.config):  # it begins just now
            raise
        return paths


def refuse_links(paths: RunPaths) -> None:
    """Refuses a run directory in which writing could reach files outside it.

    Raises:
        RunDirectoryError: naming the link, pipe or device.
    """
    for folder in (paths.root, paths.hydra, paths.checkpoints):
        if folder.is_dir():
            for path in folder.iterdir():
                _refuse_link(path, in_place=path == paths.log or path.name.startswith(EVENT_PREFIX))


def _refuse_link(path: Path, *, in_place: bool) -> None:
    """Files written in place would be written under their other names as well."""
    shown = printable(str(path))
    try:
        found = path.lstat()
    except FileNotFoundError:  # a process that writes now has put it in its place
        return
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise RunDirectoryError(f"'{shown}' is a link or no plain file; take it away to resume")
    if in_place and found.st_nlink > 1:
        raise RunDirectoryError(
            f"'{shown}' has a second name (a hard link); copy the run to resume"
        )


def read_config(paths: RunPaths) -> dict[str, Any]:
    """The resolved config, in plain containers.

    Raises:
        RunDirectoryError: if it is missing, too large or deep, or holds more than plain YAML.
    """
    text = read_text(paths.config)
    try:
        refuse_bomb(text)
        config = yaml.load(text, Loader=YamlLoader)
    except RunDirectoryError as err:
        raise RunDirectoryError(f"'{paths.config}' {err}") from err
    except Exception as err:  # YAML's constructors raise many kinds, such as for !!int 'x'
        raise RunDirectoryError(f"'{paths.config}' is not plain YAML: {_line(err)}") from err
    if _harmless(config) != config:
        raise RunDirectoryError(f"'{paths.config}' holds control characters, which no key takes")
    if not isinstance(config, dict):
        raise RunDirectoryError(f"'{paths.config}' is not the config of a run")
    return config


def read_overrides(paths: RunPaths) -> list[str]:
    """What was typed for the run, as Hydra keeps it; empty where that is not told."""
    try:
        words = yaml.load(read_text(paths.hydra / "overrides.yaml"), Loader=YamlLoader)
    except Exception:  # damaged, or a stranger's
        return []
    told = isinstance(words, list) and all(isinstance(word, str) for word in words)
    return [printable(word) for word in words] if told else []


def read_json(path: Path, most: int = LARGEST_TEXT) -> dict[str, Any]:
    """A JSON object of the run; control characters in its texts are written out.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        RunDirectoryError: if it is missing or damaged.
    """
    try:
        text = read_text(path, most)
        content = json.loads(text)
        if "\\" in text or not text.replace("\n", "").isprintable():  # few files
            content = _harmless(content)
    except (ValueError, RecursionError) as err:
        raise RunDirectoryError(f"'{path}' is damaged: {_line(err)}") from err
    if not isinstance(content, dict):
        raise RunDirectoryError(f"'{path}' is damaged: no JSON object")
    return content


def read_status(paths: RunPaths) -> dict[str, Any]:
    """How the run stands; one that says running while no process writes it was interrupted."""
    status = written_status(paths)
    if status["status"] == Status.RUNNING and not is_being_made(paths.root, status):
        status |= {"status": Status.INTERRUPTED, "error": GONE}
    return status


def written_status(paths: RunPaths) -> dict[str, Any]:
    """What `status.json` says, also of a run whose process has gone since.

    Raises:
        RunDirectoryError: if it is missing or damaged.
    """
    status = read_json(paths.status)
    if status.get("status") not in STATUSES:
        raise RunDirectoryError(
            f"'{paths.status}' is damaged: status must be one of {joined(STATUSES)}"
        )
    return status


def read_result(paths: RunPaths, key: str) -> dict[str, Any]:
    """What the result tells by name under a key: `metrics`, `best`; empty before the run's end.

    Raises:
        RunDirectoryError: if it is damaged.
    """
    content = read_json(paths.result).get(key) if is_stored(paths.result) else None
    if content is not None and not isinstance(content, dict):
        raise RunDirectoryError(f"'{paths.result}' is damaged: {key} is no mapping")
    return content or {}


def read_history(paths: RunPaths) -> dict[str, list[float | None]]:
    """The columns of `history.csv`; empty cells are None.

    Raises:
        RunDirectoryError: if it is missing or damaged.
    """
    text = printable(read_text(paths.history))
    try:
        return _columns(csv.reader(io.StringIO(text)))
    except RunDirectoryError as err:
        raise RunDirectoryError(f"'{paths.history}' {err}") from err
    except (csv.Error, ValueError, IndexError) as err:
        raise RunDirectoryError(f"'{paths.history}' is damaged: {_line(err)}") from err


def _columns(rows: Iterator[list[str]]) -> dict[str, list[float | None]]:
    """Row by row, as a file of line ends alone has millions."""
    header = next(rows, None)
    if header is None:
        raise RunDirectoryError("is empty")
    if "epoch" not in header:
        raise RunDirectoryError("is damaged: it has no column 'epoch'")
    columns: list[list[float | None]] = [[] for _ in header]
    for number, row in enumerate(rows, 1):
        if number > MOST_EPOCHS:
            raise RunDirectoryError(f"has more than {MOST_EPOCHS} rows")
        if len(row) < len(header):
            raise RunDirectoryError(f"is damaged: row {number} has {counted(len(row), 'cell')}")
        for column, cell in zip(columns, row, strict=False):
            column.append(float(cell) if cell else None)
    return dict(zip(header, columns, strict=True))


def read_text(path: Path, most: int = LARGEST_TEXT) -> str:
    """The text of a file of the run.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        RunDirectoryError: if it is missing, no plain file, too large or no UTF-8.
    """
    try:
        content = read_stored(path, most + 1)
        if len(content) > most:
            raise RunDirectoryError(f"'{path}' is larger than {most // 2**20} MiB")
        return content.decode("utf-8").replace("\r\n", "\n")
    except FileNotFoundError as err:
        raise RunDirectoryError(
            f"'{path.parent}' has no {path.name}; the run did not get that far"
        ) from err
    except (OSError, UnicodeDecodeError) as err:
        raise RunDirectoryError(f"cannot read '{path}': {_line(err)}") from err


def _harmless(content: Any) -> Any:
    """The same containers, with their texts made printable."""
    if isinstance(content, str):
        return printable(content)
    if isinstance(content, dict):
        return {_harmless(key): _harmless(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_harmless(value) for value in content]
    return content


def _line(err: Exception) -> str:
    return printable(" ".join(str(err).split()))[:200] or type(err).__name__
