"""What a page of runs holds, read back as a browser does: its scripts, its policy, its data."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any


class PageParts(HTMLParser):
    """The elements of a page, as Python's parser finds them.

    Args:
        text: of the page.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.names: list[str] = []
        self.links: list[str] = []
        self.policy = ""
        self.scripts: list[str] = []
        self.data = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.names.append(tag)
        self.links += [told[key] or "" for key in ("src", "href", "action") if key in told]
        if told.get("http-equiv") == "Content-Security-Policy":
            self.policy = told["content"] or ""
        if tag == "script":
            self._inside = "data" if told.get("type") == "application/json" else "script"
            self.scripts += [""] if self._inside == "script" else []

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "data":
            self.data += data
        elif self._inside == "script":
            self.scripts[-1] += data


def parts_of(page: Path) -> PageParts:
    """The parts of a page."""
    return PageParts(page.read_text(encoding="utf-8"))


def data_of(page: Path) -> dict[str, Any]:
    """The data of a page."""
    content: dict[str, Any] = json.loads(parts_of(page).data)
    return content


def number_of(cell: Any) -> Any:
    """A value as Python has it, of one that JSON cannot carry."""
    if isinstance(cell, dict):
        text = cell["number"]
        return int(text) if text.lstrip("-").isdigit() else float(text)
    return cell


def column_of(data: dict[str, Any], name: str) -> list[Any]:
    """The values of a column of the table."""
    (found,) = [one for one in data["columns"] if one["name"] == name]
    return list(map(number_of, found["values"]))
