"""What classes and functions take, and calling them; their refusals as errors of the user's."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from seedbed.config.hints import did_you_mean, joined
from seedbed.config.options import leftovers
from seedbed.errors import NotAllowedError
from seedbed.raised import reason


def name_of(callee: Callable[..., Any]) -> str:
    """What a class or a function is called."""
    while isinstance(callee, partial):
        callee = callee.func
    return str(getattr(callee, "__name__", type(callee).__name__))


def accepts(callee: type, argument: str) -> bool:
    """Whether a class can be given `argument` by name."""
    return not surplus(signature_of(callee), (argument,))


def signature_of(callee: Callable[..., Any]) -> inspect.Signature:
    """What a class or a function takes; anything, where it does not tell, as some in C do not."""
    try:
        return inspect.signature(callee)
    except (TypeError, ValueError):
        kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        names = ("args", "kwargs")
        return inspect.Signature(
            [inspect.Parameter(name, kind) for name, kind in zip(names, kinds, strict=True)]
        )


def surplus(signature: inspect.Signature, arguments: Iterable[str]) -> list[str]:
    """The arguments, by name, that are none of a signature's."""
    parameters = signature.parameters
    if any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
        return []
    return [name for name in arguments if name not in parameters]


def called(callee: type, arguments: Mapping[str, Any], where: str) -> Any:
    """`callee(**arguments)`, with its refusals as errors of the user's.

    Raises:
        NotAllowedError: if an argument is unknown or missing, or the constructor raises.
    """
    return constructed(callee, accepted(callee, arguments, where), where)


def accepted(
    callee: Callable[..., Any], arguments: Mapping[str, Any], where: str, given: Sequence[str] = ()
) -> dict[str, Any]:
    """The arguments that a class or a function can be called with.

    Args:
        callee: of either kind.
        arguments: by name.
        where: the key that they stand under, for errors.
        given: what it is called with beside them, by place, in words.

    Raises:
        NotAllowedError: if one is unknown or missing, or what is given goes to another's place.
    """
    _refuse_placing(callee, arguments, where)
    signature, called = signature_of(callee), name_of(callee)
    if given:
        refuse_turned(callee, called, where, given)
    names = [name for name in signature.parameters if name not in ("args", "kwargs")][len(given) :]
    unknown = surplus(signature, arguments)
    for key in unknown:
        if key not in leftovers(where, unknown):
            takes = f"{called} takes {joined(names) or 'none'}"
            raise NotAllowedError(f"no key '{where}.{key}': {takes}{did_you_mean(key, names)}")
    kept = {key: value for key, value in arguments.items() if key not in unknown}
    try:
        signature.bind(*given, **kept)
    except TypeError as err:
        missing = re.search(r"missing a required( keyword-only)? argument: '(\w+)'", str(err))
        hint = f"; type +{where}.{missing[2]}=VALUE" if missing and "[" not in where else ""
        beside = f", called with {' and '.join(given)}" if given else ""
        raise NotAllowedError(f"{where}: {called}{beside}: {err}{hint}") from err
    return kept


def refuse_uncallable(
    function: Callable[..., Any], arguments: Mapping[str, Any], where: str, given: Sequence[str]
) -> None:
    """Refuses arguments that a function cannot be called with.

    Args:
        function: of the user's own.
        arguments: by name.
        where: the key that they stand under, for errors.
        given: what it is called with before them, by place, in words.

    Raises:
        NotAllowedError: with the function's parameters.
    """
    signature = signature_of(function)
    try:
        signature.bind(*given, **arguments)
    except TypeError as err:
        known = list(signature.parameters)
        unknown = next((key for key in arguments if key not in known), "")
        raise NotAllowedError(
            f"{where}: {name_of(function)}{signature} is called with {', '.join(given)} and "
            f"{joined(arguments) or 'nothing else'}: {err}{did_you_mean(unknown, known)}"
        ) from err


PREDICTED = re.compile(r"(y_?)?(hat|pred\w*|outputs?|inputs?|logits?|scores?|prob\w*)")
TRUE = re.compile(r"(y_?)?(true|truth|targets?|labels?|actual|gt|gold|observed)|y")
"""Names of parameters, as losses and metrics have them."""


def refuse_turned(
    callee: Callable[..., Any], called: str, where: str, given: Sequence[str]
) -> None:
    """Refuses a function or method that says by its names that it takes the targets first.

    Args:
        callee: that is called with predictions and targets.
        called: its name, for errors; so are the others.
        where: the key that it stands under.
        given: what it is called with, in words; two of them.

    Raises:
        NotAllowedError: with what to write.
    """
    first, second, *_ = [*signature_of(callee).parameters, "", ""]
    if TRUE.fullmatch(first) and PREDICTED.fullmatch(second):
        raise NotAllowedError(
            f"{where}: {called} takes ({first}, {second}), and is called with {given[0]} and then "
            f"{given[1]}; turn the two round, or write a function that calls it"
        )


def _refuse_placing(callee: Callable[..., Any], arguments: Mapping[str, Any], where: str) -> None:
    """Refuses to have a part of a model somewhere else, or of another type, than the rest of it."""
    if callee.__module__.partition(".")[0] not in ("torch", "seedbed"):
        return
    for key in ("device", "dtype"):
        if arguments.get(key) is not None:
            raise NotAllowedError(
                f"{where}.{key} cannot be set: trainer.device and trainer.precision say where and "
                "how the whole of a model computes"
            )


def constructed(callee: type, arguments: Mapping[str, Any], where: str) -> Any:
    """`callee(**arguments)`.

    Raises:
        NotAllowedError: if the constructor raises.
    """
    try:
        return callee(**arguments)
    except (Exception, SystemExit) as err:
        told = f"{where}: {callee.__name__} cannot be built: {reason(err)}"
        raise NotAllowedError(told) from err
