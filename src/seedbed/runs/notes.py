"""Tags and a note that a reader keeps with a run: one small file, which no run writes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from seedbed.errors import ArgumentError, RunDirectoryError
from seedbed.runs.files import UNPRINTABLE, write_json, writing
from seedbed.runs.layout import RunPaths
from seedbed.runs.reader import read_json

WORD = re.compile(r"[^\W_][\w.+-]{0,63}")
"""A tag: letters of any script and digits, and within it `_ . + -`."""

MOST_TAGS = 100

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
    if not paths.notes.is_symlink() and not paths.notes.exists():
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
        write_json(paths.notes, {"tags": list(notes.tags), "note": notes.note})


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
    changed = []
    for paths in runs:
        before = read_notes(paths)
        if remove and word not in before.tags:
            has = f"it has {', '.join(before.tags)}" if before.tags else "it has none"
            raise ArgumentError(f"'{paths.root}' has no tag '{word}'; {has}")
        tags = {*before.tags} - {word} if remove else {*before.tags, word}
        if len(tags) > MOST_TAGS:
            raise ArgumentError(f"'{paths.root}' has {MOST_TAGS} tags already, which is the most")
        changed.append((paths, Notes(tuple(sorted(tags)), before.note)))
    for paths, notes in changed:
        write_notes(paths, notes)
    return [(paths, notes.tags) for paths, notes in changed]


def note(paths: RunPaths, text: str | None) -> str:
    """Writes a note, in the place of an earlier one.

    Args:
        paths: of the run.
        text: checked; empty to take it away, None to leave it as it is.

    Returns:
        The note that the run has now.
    """
    before = read_notes(paths)
    if text is None:
        return before.note
    write_notes(paths, Notes(before.tags, text))
    return text


def checked_tags(words: Iterable[str]) -> list[str]:
    """The words, each of which can be a tag.

    Raises:
        ArgumentError: naming the first that cannot.
    """
    for word in (found := list(words)):
        if not WORD.fullmatch(word):
            raise ArgumentError(
                f"'{word[:80]}' cannot be a tag; a tag is one word of letters and digits, at most "
                "64, with '.', '_', '+' or '-' inside, such as baseline or v1.2"
            )
    return found


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
