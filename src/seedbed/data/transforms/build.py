"""Builds the transforms that `data.transforms` lists."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from seedbed.components import AllowList
from seedbed.config.fitting import as_typed
from seedbed.config.hints import did_you_mean, joined
from seedbed.config.options import TARGET
from seedbed.data.transforms.affine import RandomAffine, RandomRotation
from seedbed.data.transforms.colours import ColorJitter, RandomGrayscale
from seedbed.data.transforms.crops import RandomCrop, RandomResizedCrop
from seedbed.data.transforms.erasing import RandomErasing
from seedbed.data.transforms.flips import RandomHorizontalFlip, RandomVerticalFlip
from seedbed.data.transforms.own import OwnTransform
from seedbed.data.transforms.transform import Transform
from seedbed.errors import ConfigError

SHIPPED: dict[str, type[Transform]] = {
    one.__name__: one
    for one in (
        RandomHorizontalFlip,
        RandomVerticalFlip,
        RandomCrop,
        RandomResizedCrop,
        RandomRotation,
        RandomAffine,
        ColorJitter,
        RandomGrayscale,
        RandomErasing,
    )
}

KEY = "data.transforms"


def built_transforms(specs: Sequence[Any], allow: AllowList) -> list[Transform]:
    """The transforms, in order.

    Args:
        specs: each a name, a name with arguments, or a `_target_` of the user's own.
        allow: what may be named.

    Raises:
        ConfigError: for a name that is none, or arguments that it does not take.
        NotAllowedError: for a class or function that may not be named.
    """
    return [_built(spec, f"{KEY}[{at}]", allow) for at, spec in enumerate(specs)]


def _built(spec: Any, where: str, allow: AllowList) -> Transform:
    if isinstance(spec, Mapping) and TARGET in spec:
        return _own(spec, where, allow)
    name, arguments = _named(spec, where)
    if name not in SHIPPED:
        raise ConfigError(
            f"{where}: no transform '{name}'; there are {joined(SHIPPED)}"
            f"{did_you_mean(name, SHIPPED)}; one of your own is named by {TARGET}"
        )
    kind = SHIPPED[name]
    known = list(inspect.signature(kind).parameters)
    for key in arguments:
        if key not in known:
            raise ConfigError(
                f"{where}: {name} has no argument '{key}'; it takes {joined(known)}"
                f"{did_you_mean(str(key), known)}"
            )
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as err:
        said = str(err).replace(f"{name}.__init__() ", "")
        raise ConfigError(f"{where}: {name}: {said}") from err


def _named(spec: Any, where: str) -> tuple[str, Mapping[Any, Any]]:
    """The name of a transform, and its arguments.

    Raises:
        ConfigError: if it is neither a name nor one with arguments.
    """
    if isinstance(spec, str):
        return spec, {}
    if isinstance(spec, Mapping) and len(spec) == 1:
        ((name, arguments),) = spec.items()
        if arguments is None:
            return str(name), {}
        if isinstance(arguments, Mapping):
            return str(name), arguments
    raise ConfigError(
        f"{where} must be a name or one with arguments, as in {{RandomCrop: {{size: 28, padding: "
        f"4}}}}, got {as_typed(spec)}"
    )


def _own(spec: Mapping[Any, Any], where: str, allow: AllowList) -> Transform:
    """A transform of the user's own: an object of a class, or a function with its arguments."""
    target = str(spec[TARGET])
    found = allow.find_part(target, f"{where}.{TARGET}")
    if isinstance(found, type):
        change = allow.build(spec, where)
        if not callable(change):
            raise ConfigError(f"{where}: {found.__name__} cannot be called with an image")
    else:
        change = partial(found, **_arguments(found, spec, where))
    return OwnTransform(change, where, target.rpartition(".")[2])


def _arguments(found: Callable[..., Any], spec: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """What a function is called with, beside the image.

    Raises:
        ConfigError: if it does not take that.
    """
    arguments = {str(key): value for key, value in spec.items() if key != TARGET}
    try:
        inspect.signature(found).bind("image", **arguments)
    except (TypeError, ValueError) as err:
        name = getattr(found, "__name__", type(found).__name__)
        raise ConfigError(f"{where}: {name}: {err}; it is called with an image first") from err
    return arguments
