"""Builds an object from its description in a config; the allow-list is here.

A class is named by `_target_`, and where a part is only called, as a loss is, so may a function be.
What may be named is torch's layers, losses, optimizers and schedulers, Seedbed's own models, and
classes and functions of packages that the user allowed. Everything else is refused before it is
imported.
"""

import importlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from seedbed import handed_in
from seedbed.config.hints import did_you_mean
from seedbed.config.options import TARGET, listed
from seedbed.config.schema import RunConfig
from seedbed.config.target_keys import (
    CLASSES_OF_FUNCTIONS,
    FUNCTIONAL,
    TARGET_KEYS,
    arguments_of,
)
from seedbed.errors import NotAllowedError
from seedbed.raised import is_of_user, reason
from seedbed.signatures import accepted, called, name_of, signature_of, surplus

SHIPPED = {
    "torch.nn": ("torch.nn", "Module"),
    "torch.optim": ("torch.optim", "Optimizer"),
    "torch.optim.lr_scheduler": ("torch.optim.lr_scheduler", "LRScheduler"),
    "seedbed.models": ("torch.nn", "Module"),
    "seedbed.losses": ("torch.nn", "Module"),
    "seedbed.optimizers": ("torch.optim", "Optimizer"),
}
"""Modules whose public classes may be named, with the class that they must be derived from."""

ALLOW_VARIABLE = "SEEDBED_ALLOW"

_readers_own: set[str] | None = None


@contextmanager
def only_readers_own(packages: Iterable[str]) -> Iterator[None]:
    """Inside, and in this process, no config can allow more than the reader does.

    Args:
        packages: of the reader's own config.
    """
    global _readers_own
    before, _readers_own = _readers_own, set(packages)
    try:
        yield
    finally:
        _readers_own = before


class AllowList:
    """The packages that a config may name classes of, beside the shipped ones.

    Args:
        packages: of the user's own config, never of a run directory; those in the environment
            variable `SEEDBED_ALLOW` (separated by commas) are added.
    """

    def __init__(self, packages: Iterable[str] = ()) -> None:
        if _readers_own is not None:
            packages = _readers_own.intersection(packages)
        named = os.environ.get(ALLOW_VARIABLE, "").split(",")
        self.packages = sorted({name.strip() for name in [*packages, *named] if name.strip()})

    def find(self, target: str, where: str) -> type:
        """The class that `target` names.

        Args:
            target: the dotted name.
            where: the key that it stands under, for the error.

        Raises:
            NotAllowedError: if the name is not on the list, or names nothing.
        """
        found = self.find_part(target, where, classes_only=True)
        assert isinstance(found, type)
        return found

    def find_part(
        self, target: str, where: str, *, classes_only: bool = False
    ) -> Callable[..., Any]:
        """The class or function that `target` names; see `find`."""
        module, _, name = target.rpartition(".")
        if module in SHIPPED:
            return _shipped(module, name, where)
        if any(f"{target}.".startswith(f"{package}.") for package in self.packages):
            return _allowed(module, name, where, self.packages, classes_only=classes_only)
        if module == FUNCTIONAL:
            known = [f"{FUNCTIONAL}.{one}" for one in CLASSES_OF_FUNCTIONS]
            raise NotAllowedError(
                f"{where}: '{target}' is not allowed; of {FUNCTIONAL} losses of outputs and "
                "targets are"
                f"{did_you_mean(target, known)}"
            )
        package = target.partition(".")[0]
        hint = did_you_mean(target, _shipped_names(package))
        if package not in {"torch", "seedbed", *sys.stdlib_module_names}:
            hint += (
                f"; if '{package}' is your own code, type 'allow=[{package}]' with seedbed train, "
                f"or set {ALLOW_VARIABLE}={package}"
            )
        raise NotAllowedError(
            f"{where}: '{target}' is not allowed; classes of {', '.join(SHIPPED)} are{hint}"
        )

    def build(self, spec: Mapping[str, Any], where: str, **extra: Any) -> Any:
        """The object that `spec` describes.

        Args:
            spec: `_target_` and the arguments; those with a `_target_` are built first.
            where: the key that it stands under, for errors.
            extra: arguments that the program gives, over those of `spec`.

        Raises:
            NotAllowedError: if a class is not allowed, an argument is not one of it, or it refuses
                what it was given.
        """
        found = self.find(str(spec["_target_"]), where)
        return called(found, {**self.arguments(spec, where), **extra}, where)

    def arguments(self, spec: Mapping[str, Any], where: str) -> dict[str, Any]:
        """The arguments that `spec` describes, those with a `_target_` built; raises as `build`."""
        return {
            key: self._nested(value, f"{where}.{key}")
            for key, value in spec.items()
            if key != "_target_"
        }

    def bound(
        self, spec: Mapping[str, Any], where: str, given: tuple[str, str]
    ) -> Callable[..., Any]:
        """The function that `spec` describes, with the arguments that stand there.

        Args:
            spec: `_target_`, a function of the user's own, and arguments by name.
            where: the key that it stands under, for errors.
            given: what it is called with, in words; two of them.

        Raises:
            NotAllowedError: if it is not allowed, or does not take what it would be called with.
        """
        found = self.find_part(str(spec["_target_"]), where)
        kept = accepted(found, self.arguments(spec, where), where, given)
        return partial(found, **kept) if kept else found

    def _nested(self, value: Any, where: str) -> Any:
        if isinstance(value, Mapping):
            if "_target_" in value:
                return self.build(value, where)
            return {key: self._nested(item, f"{where}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self._nested(item, f"{where}[{index}]") for index, item in enumerate(value)]
        return value


def unused_keys(config: RunConfig, allow: AllowList) -> list[str]:
    """A note for each group with keys that its class does not take, and that are left out.

    `model._target_=my_package.MyNet` leaves the other keys of `model=custom` where they were. A key
    with the value null is none.

    Args:
        config: checked.
        allow: what may be named.
    """
    notes = []
    for group in TARGET_KEYS:
        spec = getattr(config, group)
        target = spec.get(TARGET)
        known = target is None or target in TARGET_KEYS[group]  # checked, key by key
        if known or spec.get(handed_in.KEY) is not None:
            continue
        found = allow.find_part(str(target), group, classes_only=group != "loss")
        own = arguments_of(group, spec)
        given = {key: one for key, one in own.items() if key != TARGET and one is not None}
        unused = {key: given[key] for key in surplus(signature_of(found), given)}
        if unused:
            notes.append(f"{name_of(found)} does not take {listed(group, unused)}; left out")
    return notes


def _shipped(module: str, name: str, where: str) -> type:
    found = getattr(importlib.import_module(module), name, None)
    if not _is_shipped(found, module):
        raise NotAllowedError(
            f"{where}: no class '{name}' in {module}{did_you_mean(name, _public(module))}"
        )
    assert isinstance(found, type)
    return found


def _is_shipped(found: object, module: str) -> bool:
    home, base = SHIPPED[module]
    parent = getattr(importlib.import_module(home), base)
    return isinstance(found, type) and issubclass(found, parent)


def _public(module: str) -> list[str]:
    names = vars(importlib.import_module(module))
    return [name for name, value in names.items() if _is_shipped(value, module)]


def _shipped_names(package: str) -> list[str]:
    modules = [module for module in SHIPPED if module.partition(".")[0] == package]
    return [f"{module}.{name}" for module in modules for name in _public(module)]


def _allowed(
    module: str, name: str, where: str, packages: list[str], *, classes_only: bool
) -> Callable[..., Any]:
    """A class of the user's own, or a function; its package may lie in the working directory."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        home = importlib.import_module(module)
    except (Exception, SystemExit) as err:  # whatever the module does when it is imported
        told = str(err) if isinstance(err, ImportError) and not is_of_user(err) else reason(err)
        raise NotAllowedError(f"{where}: cannot import '{module}': {told}") from err

    def fits(part: object) -> bool:
        return isinstance(part, type) or (callable(part) and not classes_only)

    found: Any = getattr(home, name, None)
    if not fits(found):
        kinds = "class" if classes_only else "class and no function"
        hint = did_you_mean(name, [key for key, value in vars(home).items() if fits(value)])
        if module == "__main__" and not hint:
            hint = (
                ", which is the program of this process alone; what others train by has to lie in "
                f"a file, as my_module.{name}"
            )
        raise NotAllowedError(f"{where}: no {kinds} '{name}' in {module}{hint}")
    origin = _origin(found)
    if not any(f"{origin}.".startswith(f"{package}.") for package in packages):
        raise NotAllowedError(
            f"{where}: '{module}.{name}' comes from {origin}, which is not allowed"
        )
    part: Callable[..., Any] = found
    return part


def _origin(part: Callable[..., Any]) -> str:
    """The module that a class or a function was written in."""
    while isinstance(part, partial):
        part = part.func
    home = getattr(part, "__module__", None)
    return home if isinstance(home, str) else type(part).__module__
