"""Runs and sweeps that are named by URLs: where they are made here, copied to, and shown as."""

from contextlib import suppress
from pathlib import Path

from seedbed.config.locations import output_folder
from seedbed.errors import ArgumentError, ConfigError, RunDirectoryError, SeedbedError
from seedbed.remote.brought import brought_from
from seedbed.remote.cache import cache_folder, run_folder
from seedbed.remote.urls import FILE, STORES, Url, WrongUrl, is_url, local_path, parsed
from seedbed.runs.lock import is_being_written

MADE, COPIED = "made", "copied"

URL = "url.txt"
"""Beside a folder that is made here: where it belongs."""


def output_place(key: str, value: object) -> Path:
    """The folder here of what is written, which may go to a URL.

    Args:
        key: of Hydra's.
        value: of the key.

    Raises:
        ConfigError: if it names none, or a URL where no run can be kept.
    """
    if not isinstance(value, str) or not is_url(value):
        return output_folder(key, value)
    try:
        url = _of_runs(value)
    except WrongUrl as err:
        raise ConfigError(f"{key}: {err}") from err
    return url if isinstance(url, Path) else _made_here(url)


def _made_here(url: Url) -> Path:
    """The folder here of what is written to a URL."""
    folder = run_folder(url, MADE)
    folder.with_name(URL).write_text(str(url))
    return folder


def url_of(folder: Path) -> Url | None:
    """Where a folder that is made here belongs; None for any other."""
    if folder.parent.parent.name != MADE or folder.parent.parent != cache_folder(MADE):
        return None
    try:
        return parsed(folder.with_name(URL).read_text())
    except (OSError, WrongUrl):
        return None


def shown(folder: Path) -> str:
    """A folder as the user has to type it: by its URL, if it or one above it belongs to one."""
    if "remote" not in folder.parts or {MADE, COPIED}.isdisjoint(folder.parts):
        return str(folder)
    whole, top = folder.absolute(), cache_folder()
    with suppress(OSError, WrongUrl):
        if whole.parent.parent == top:  # it holds the folder of one URL, and no other
            url = parsed((whole / URL).read_text())
            return str(url.above)
        for above in (whole, *whole.parents):
            if above.parent.parent.parent == top:
                url = parsed(above.with_name(URL).read_text())
                return "/".join([str(url), *whole.relative_to(above).parts])
    return str(folder)


def read_place(text: str, *, light: bool = False) -> str:
    """The folder of a run, a sweep or several; what lies at a URL is brought here.

    Args:
        text: as typed.
        light: without weights, curves and pictures.

    Raises:
        RunDirectoryError: if it cannot be brought.
    """
    if not is_url(text):
        return text
    from seedbed.remote.carried import carried

    try:
        url = _of_runs(text)
        if isinstance(url, Path):
            return str(url)
        made = run_folder(url, MADE)
        if made.is_dir() and is_being_written(made):
            return str(made)
        folder = run_folder(url, COPIED)
        folder.with_name(URL).write_text(str(url))
        if not carried("bring", url=str(url), folder=str(folder), light=light):
            return str(Path(read_place(str(url.above), light=light), url.name))
        brought_from(url, folder)
    except WrongUrl as err:
        raise RunDirectoryError(str(err)) from err
    except SeedbedError as err:
        raise RunDirectoryError(*err.problems) from err
    return str(folder)


def listed_place(text: str) -> str:
    """As `read_place`, for commands that look at many runs."""
    return read_place(text, light=True)


def here_alone(text: str) -> str:
    """A folder, for commands that change what lies in it.

    Raises:
        ArgumentError: if it is a URL.
    """
    if is_url(text):
        raise ArgumentError(
            f"'{text}' is a URL, and this changes runs on this machine alone; do it with the "
            "store's own tools, or copy the run here"
        )
    return text


def resumed_place(text: str) -> str:
    """The folder here of a run that is to go on; a copy of one at a URL goes on there.

    Args:
        text: as typed, or the folder of a run that was read.

    Raises:
        RunDirectoryError: if it lies at a URL where none can be written.
    """
    place = text if is_url(text) else shown(Path(text))
    if not is_url(place):
        return text
    try:
        url = _of_runs(place)
    except WrongUrl as err:
        raise RunDirectoryError(str(err)) from err
    return str(url if isinstance(url, Path) else _made_here(url))


def _of_runs(text: str) -> Url | Path:
    """Where runs can be kept; a path for a URL of this machine's files.

    Raises:
        WrongUrl: if they cannot.
    """
    url = parsed(text.rstrip("/") if not text.endswith("://") else text)
    if url.scheme == FILE:
        return local_path(url)
    if url.scheme not in STORES:
        raise WrongUrl(
            f"'{url}' cannot keep runs; {', '.join(f'{one}://' for one in STORES)} can, and folders"
        )
    return url
