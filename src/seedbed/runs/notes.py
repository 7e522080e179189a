"""Tags and a note that a reader keeps with a run: one small file, which no run writes."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from seedbed.errors import ArgumentError, RunDirectoryError
from seedbed.runs.files import UNPRINTABLE, json_text, writing
from seedbed.runs.layout import RunPaths
from seedbed.runs.lock import DirectoryLock, once_free
from seedbed.runs.outputs import write_output
from seedbed.runs.reader import read_json
from seedbed.runs.stored import is_stored

WORD = re.compile(r"[^\W_][\w.+-]{0,63}")
"""A tag: letters of any script and digits, and within it `_ . + -`."""

MOST_TAGS = 100

WAITING_SECONDS = 5.0
"""For another command that writes the notes of the same run."""

LONGEST_NOTE = 10_000
"""Characters."""


@dataclass(frozen=True)
class Notes:
    """What a reader says of a run.

    Args:
        tags: words, sorted, none twice.
        note: a text.
    """

    tags: tuple[str, ...] = ()
    note: str = ""


def read_notes(paths: RunPaths) -> Notes:
    """The reader's notes of a run; empty where there are none.

    Raises:
        RunDirectoryError: if the file is damaged.
    """
    if not is_stored(paths.notes):
        return Notes()
    content = read_json(paths.notes)
    tags, note = content.get("tags", []), content.get("note", "")
    words = isinstance(tags, list) and all(isinstance(t, str) and WORD.fullmatch(t) for t in tags)
    if not words or len(tags) > MOST_TAGS or not isinstance(note, str) or len(note) > LONGEST_NOTE:
        raise RunDirectoryError(f"'{paths.notes}' is damaged; take it away to tag the run anew")
    return Notes(tuple(sorted(set(tags))), note)


def write_notes(paths: RunPaths, notes: Notes) -> None:
    """Writes the file whole; without tags and note there is none.

    Raises:
        RunDirectoryError: if it cannot be written.
    """
    if notes == Notes():
        with writing(paths.notes):
            paths.notes.unlink(missing_ok=True)
    else:
        content = json_text({"tags": list(notes.tags), "note": notes.note})
        write_output(paths.notes, f"{content}\n".encode())


def tag(
    runs: Iterable[RunPaths], word: str, *, remove: bool = False
) -> list[tuple[RunPaths, tuple[str, ...]]]:
    """Gives runs a tag, or takes it away; nothing is written where one of them cannot be read.

    Args:
        runs: directories.
        word: checked.
        remove: whether to take it away.

    Returns:
        Each run with the tags that it has now.

    Raises:
        ArgumentError: if one of them would have too many, or has not what is to be taken away.
        RunDirectoryError: if the notes of one are damaged, or cannot be written.
    """
    every = list(runs)
    for paths in every:
        _tagged(paths, read_notes(paths), word, remove=remove)
    return [(paths, _tag_one(paths, word, remove=remove)) for paths in every]


def _tag_one(paths: RunPaths, word: str, *, remove: bool) -> tuple[str, ...]:
    with _alone(paths):
        notes = _tagged(paths, read_notes(paths), word, remove=remove)
        write_notes(paths, notes)
    return notes.tags


def _tagged(paths: RunPaths, before: Notes, word: str, *, remove: bool) -> Notes:
    """The notes with the tag, or without it."""
    if remove and word not in before.tags:
        has = f"it has {', '.join(before.tags)}" if before.tags else "it has none"
        raise ArgumentError(f"'{paths.root}' has no tag '{word}'; {has}")
    tags = {*before.tags} - {word} if remove else {*before.tags, word}
    if len(tags) > MOST_TAGS:
        raise ArgumentError(f"'{paths.root}' has {MOST_TAGS} tags already, which is the most")
    return Notes(tuple(sorted(tags)), before.note)


@contextmanager
def _alone(paths: RunPaths) -> Iterator[None]:
    """Two commands at once would each forget what the other writes.

    The lock is on the folder that Hydra left, as a run that goes on holds that of its directory.
    """
    if paths.hydra.is_symlink() or not paths.hydra.is_dir():
        yield
        return
    lock = once_free(lambda: DirectoryLock(paths.hydra), WAITING_SECONDS)
    try:
        yield
    finally:
        lock.release()


def note(paths: RunPaths, text: str | None) -> str:
    """Writes a note, in the place of an earlier one.

    Args:
        paths: of the run.
        text: checked; empty to take it away, None to leave it as it is.

    Returns:
        The note that the run has now.
    """
    if text is None:
        return read_notes(paths).note
    with _alone(paths):
        write_notes(paths, Notes(read_notes(paths).tags, text))
    return text


def checked_tags(words: Iterable[str]) -> list[str]:
    """The words, each of which can be a tag.

    Raises:
        ArgumentError: naming the first that cannot.
    """
    for word in (tags := list(words)):
        if not WORD.fullmatch(word):
            raise ArgumentError(
                f"'{word[:80]}' cannot be a tag; a tag is one word of letters and digits, at most "
                "64, with '.', '_', '+' or '-' inside, such as baseline or v1.2"
            )
    return tags


def checked_note(text: str) -> str:
    """The text, which may have several lines.

    Raises:
        ArgumentError: if it is too long, or has control characters.
    """
    if len(text) > LONGEST_NOTE:
        raise ArgumentError(f"a note has at most {LONGEST_NOTE} characters, got {len(text)}")
    if UNPRINTABLE.search(text):
        raise ArgumentError("a note is plain text, got control characters; leave them out")
    return text.strip()
