"""Names that are spelt nearly alike: they stay different, as they are written, with a note."""

import unicodedata
from collections.abc import Hashable, Sequence

from seedbed.config.hints import joined
from seedbed.data.preprocessing import Preprocessing
from seedbed.runs.files import printable
from seedbed.tables.spellings import meaning

MOST_SHOWN = 3
"""Groups of names of one column in a note."""


def alike(names: Sequence[str | None]) -> list[list[str]]:
    """The names that differ by case, spaces, or how a character or a number is written, alone.

    Args:
        names: all of them different; None for missing.
    """
    groups: dict[Hashable, list[str]] = {}
    for name in names:
        if name is not None:
            groups.setdefault(_folded(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def notes_on_spellings(preprocessing: Preprocessing, origin: str) -> list[str]:
    """A sentence for each feature and for the target, where names are spelt nearly alike.

    Args:
        preprocessing: of the run.
        origin: of the training rows, for the note.
    """
    named: dict[str, tuple[str, Sequence[str | None]]] = {
        one.name: ("names", one.categories or []) for one in preprocessing.features
    }
    if preprocessing.classes:
        named[preprocessing.target[0]] = ("classes", preprocessing.classes)
    return [
        f"column '{name}' of {origin} holds {_listed(groups)}, which stay different {what}; write "
        "them alike if they mean the same"
        for name, (what, names) in named.items()
        if (groups := alike(names))
    ]


def _listed(groups: Sequence[Sequence[str]]) -> str:
    return joined(
        [" and ".join(f"'{_line(one)}'" for one in group) for group in groups], MOST_SHOWN
    )


def _line(name: str) -> str:
    """A name on one line; spaces that look like others are told by their number."""
    marked = "".join(one if one == " " or not one.isspace() else ascii(one)[1:-1] for one in name)
    return printable(marked if len(marked) <= 60 else f"{marked[:57]}...")


def _folded(name: str) -> Hashable:
    plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    key = meaning(plain)
    return plain if key is None else key
