"""What this process had brought from URLs, by which the user knows it."""

from pathlib import Path

from seedbed.remote.urls import Url

_urls: dict[str, str] = {}


def brought_from(url: Url, path: Path) -> None:
    """Notes where the copy of a file, or of a folder of runs, is from."""
    _urls[str(path)] = str(url)


def named_by_url(problem: str) -> str:
    """A line for the user in which what was brought has the name of its URL."""
    for path, url in _urls.items():
        problem = problem.replace(path, url)
    return problem
