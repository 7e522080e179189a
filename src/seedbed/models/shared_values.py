"""Keeps to its own run what a user's code counts and draws in the process.

Runs may share a process, as the jobs of a sweep do: what one leaves in a class or a global variable
is not to reach the next, and what it draws is a matter of its seed.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from seedbed.handed_in import all_handed_in
from seedbed.process.generators import generators_put_back

VALUES = (bool, int, float, complex, str, bytes, type(None))


@contextmanager
def kept_to_the_run(packages: Sequence[str], seed: int) -> Iterator[None]:
    """Both of the below, where there is code of the user's, or a module of a program's own.

    Args:
        packages: that may be named, as `allow` has them.
        seed: of Python's and NumPy's generators.
    """
    if not packages and not all_handed_in():
        yield
        return
    with values_put_back(packages), others_seeded(seed):
        yield


@contextmanager
def others_seeded(seed: int) -> Iterator[None]:
    """Python's and NumPy's generators, put back afterwards."""
    with generators_put_back(torchs=False):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        yield


@contextmanager
def values_put_back(packages: Sequence[str]) -> Iterator[None]:
    """Numbers, texts and the like are afterwards what they were; containers stay as they are.

    Args:
        packages: whose modules, and the classes that are defined there, are looked at.
    """
    before = list(_values(packages))
    try:
        yield
    finally:
        for owner, name, value in before:
            if vars(owner).get(name, value) is not value:
                setattr(owner, name, value)


def shared_values(packages: Sequence[str]) -> dict[tuple[str, str], Any]:
    """The numbers, texts and the like of each module and class, and how much containers hold.

    Args:
        packages: as `values_put_back` takes them.
    """
    found = {(_name(owner), name): value for owner, name, value in _values(packages)}
    for home, module in _modules(packages):
        for name, value in list(vars(module).items()):
            if isinstance(value, list | dict | set) and not name.startswith("__"):
                found[home, name] = len(value)
    return found


def _name(owner: Any) -> str:
    return f"{owner.__module__}.{owner.__name__}" if isinstance(owner, type) else owner.__name__


def _modules(packages: Sequence[str]) -> Iterator[tuple[str, Any]]:
    within = tuple(f"{package}." for package in packages)
    for home in list(sys.modules):  # thousands: names alone, which no collector looks through
        if home.startswith(within) or home in packages:
            yield home, sys.modules[home]


def _values(packages: Sequence[str]) -> Iterator[tuple[Any, str, Any]]:
    """The owner, the name and the value of each."""
    for home, module in _modules(packages):
        names = list(vars(module).values())
        classes = [one for one in names if isinstance(one, type) and one.__module__ == home]
        for owner in (module, *classes):
            for name, value in list(vars(owner).items()):
                if isinstance(value, VALUES) and not name.startswith("__"):
                    yield owner, name, value
