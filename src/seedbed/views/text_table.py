"""Columns of text lined up on a terminal; what does not fit into its width is left out."""

from collections.abc import Sequence

NOTHING = "-"
"""Where there is no value."""

LONGEST = 40
"""Characters of a cell on a terminal, beside a run's name."""

SHORTEST_NAME = 24
"""To which a name is cut before a column is left out."""

BESIDE_KEYS = ("when", "status", "time", "tags", "note")
"""Columns that are neither settings nor metrics."""

MOST_NEEDED = 3
"""Settings that are shown rather than when a run began, or what a comparison can do without."""

Column = tuple[str, list[str]]
"""A title, and a text for each run."""


def lines(columns: Sequence[Column]) -> list[str]:
    """The table: numbers to the right, texts to the left, two spaces between."""
    padded = []
    for title, several in columns:
        cells = list(map(_one_line, several))
        wide = max(map(_width, [title, *cells]))
        right = all(_is_number(cell) for cell in cells)
        padded.append([_padded(text, wide, to_right=right) for text in (title, *cells)])
    return ["  ".join(cells).rstrip() for cells in zip(*padded, strict=True)]


def _one_line(cell: str) -> str:
    """A folder may have a line end in its name, which would tear the table."""
    return cell.translate({ord("\n"): " ", ord("\t"): " "})


def fitting(columns: Sequence[Column], width: int) -> tuple[list[Column], list[str]]:
    """The columns that a terminal has room for, with shorter titles and cells where needed.

    Args:
        columns: the run's name first.
        width: in characters.

    Returns:
        The columns, and the titles of those that are left out.
    """
    shortened = [(title, [cut(cell, LONGEST) for cell in cells]) for title, cells in columns[1:]]
    candidates = [columns[0], *shortened]
    if width_of(candidates) > width:
        candidates = with_short_titles(candidates)
    title, names = columns[0]
    least = [short_name(name, SHORTEST_NAME) for name in names]
    wide, gone = width_of([(title, least), *candidates[1:]]), set()
    for at in _least_first([title for title, _ in candidates]):
        if wide <= width:
            break
        wide -= width_of([candidates[at]]) + 2
        gone.add(at)
    visible = [column for at, column in enumerate(candidates) if at not in gone]
    room = width - width_of(visible[1:]) - 2 if len(visible) > 1 else width
    visible[0] = title, [short_name(name, max(room, SHORTEST_NAME)) for name in names]
    return visible, [title for at, (title, _) in enumerate(candidates) if at in gone]


def fitted(
    front: Sequence[Column],
    keys: Sequence[Column],
    behind: Sequence[Column],
    others: Sequence[Column],
    width: int,
    *,
    least: int = 0,
    needed: int | None = None,
) -> tuple[list[Column], list[str]]:
    """As many columns as there is room for; each is whole.

    What there is no room for is left out in this order, each from its end: the other columns, the
    keys but the first three, those behind the keys that are not needed, the other keys.

    Args:
        front: all of them.
        keys: settings, with shorter titles where needed.
        behind: what is told of the settings.
        others: that come last.
        width: in characters.
        least: of the keys, which are there in any case.
        needed: of those behind, as for the keys; None for all.

    Returns:
        The columns, and the titles of those that are left out.
    """
    shown, told = list(keys), list(behind)
    if width_of([*front, *shown, *told]) > width:
        shown = with_short_titles(shown)
    enough = len(behind) if needed is None else needed
    for columns, fewest in ((shown, max(MOST_NEEDED, least)), (told, enough), (shown, least)):
        while len(columns) > fewest and width_of([*front, *shown, *told]) > width:
            columns.pop()
    columns = [*front, *shown, *told]
    room = len(told) == len(behind) and len(shown) == len(keys)
    more = list(others) if room else []
    while more and width_of([*columns, *more]) > width:
        more.pop()
    left = [*keys[len(shown) :], *behind[len(told) :], *others[len(more) :]]
    return [*columns, *more], [title for title, _ in left]


def _least_first(titles: Sequence[str]) -> list[int]:
    """The columns behind the first, those first that are missed least."""
    numbered = list(enumerate(titles))[1:]
    metrics = [at for at, title in numbered if "/" in title]
    keys = [at for at, title in numbered if "/" not in title and title not in BESIDE_KEYS]
    beside = {title: at for at, title in numbered if title in BESIDE_KEYS}
    ends = [beside[title] for title in ("note", "time", "when", "tags") if title in beside]
    last = [beside[title] for title in ("status",) if title in beside]
    few = keys[:MOST_NEEDED]
    return [*metrics[:0:-1], *ends[:2], *keys[: len(few) - 1 : -1], *ends[2:], *few[::-1],
            *metrics[:1], *last]  # fmt: skip


def with_short_titles(columns: Sequence[Column]) -> list[Column]:
    """`lr` for `optimizer.lr`, where no other title ends so."""
    tails = [title.rpartition(".")[2] if "/" not in title else title for title, _ in columns]
    return [
        (tail if tails.count(tail) == 1 else title, cells)
        for tail, (title, cells) in zip(tails, columns, strict=True)
    ]


def short_name(name: str, longest: int) -> str:
    """A run's name without the folders in its middle, and then without its end.

    A job's begins with its number.
    """
    first, *between, last = name.split("/") if name.count("/") > 1 else ("", name)
    if _width(name) > longest and between:
        name = f"{first}/…/{last}"
    return cut(name, longest)


def cut(text: str, longest: int) -> str:
    """The text, or the front of it, in cells of a terminal."""
    if _width(text) <= longest:
        return text
    while _width(text) >= longest:
        text = text[:-1]
    return f"{text}…"


def width_of(columns: Sequence[Column]) -> int:
    """Of all of them together, in cells of a terminal."""
    each = [max(map(_width, [title, *cells])) for title, cells in columns]
    return sum(each) + 2 * (len(each) - 1)


def _width(text: str) -> int:
    """Cells of a terminal; a sign of Chinese has two."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # here: few texts need it

    return cell_len(text)


def _padded(text: str, wide: int, *, to_right: bool) -> str:
    room = " " * (wide - _width(text))
    return room + text if to_right else text + room


def _is_number(text: str) -> bool:
    text = text.removeprefix("± ")
    if text in ("", NOTHING):
        return True
    try:
        float(text.partition(" ")[0])
    except ValueError:
        return False
    return " " not in text or text.partition(" ")[2] in ("h", "min", "s", "ms")
