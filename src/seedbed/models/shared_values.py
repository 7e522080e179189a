"""Puts back what a user's modules and classes count for themselves.

Runs may share a process, as the jobs of a sweep do: what one leaves in a class or a global variable
is not to reach the next.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

VALUES = (bool, int, float, complex, str, bytes, type(None))


@contextmanager
def values_put_back(packages: Sequence[str]) -> Iterator[None]:
    """Numbers, texts and the like are afterwards what they were; containers stay as they are.

    Args:
        packages: whose modules, and the classes that are defined there, are looked at.
    """
    before = list(_values(tuple(packages)))
    try:
        yield
    finally:
        for owner, name, value in before:
            if vars(owner).get(name, value) is not value:
                setattr(owner, name, value)


def _values(packages: tuple[str, ...]) -> Iterator[tuple[Any, str, Any]]:
    """The owner, the name and the value of each."""
    within = tuple(f"{package}." for package in packages)
    for home, module in list(sys.modules.items()):
        if not packages or not f"{home}.".startswith(within):
            continue
        names = list(vars(module).values())
        classes = [one for one in names if isinstance(one, type) and one.__module__ == home]
        for owner in (module, *classes):
            for name, value in list(vars(owner).items()):
                if isinstance(value, VALUES) and not name.startswith("__"):
                    yield owner, name, value
