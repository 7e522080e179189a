"""Builds the callbacks of a config, and refuses what could hear of nothing."""

from collections.abc import Mapping
from typing import Any

from seedbed.components import AllowList
from seedbed.config.hints import did_you_mean
from seedbed.config.own_code import EVENTS, ON, STEP_END, TARGET, events_of
from seedbed.config.schema import RunConfig
from seedbed.errors import NotAllowedError, OwnCodeError
from seedbed.raised import reason
from seedbed.signatures import called, refuse_uncallable, signature_of
from seedbed.training.own_callback import Event, OwnCallback


def build_callbacks(config: RunConfig, allow: AllowList) -> list[OwnCallback]:
    """The callbacks of a config, in order.

    Raises:
        NotAllowedError: if one may not be named, cannot be built or hears of nothing.
    """
    return [_built(spec, f"callbacks[{at}]", allow) for at, spec in enumerate(config.callbacks)]


def _built(spec: Mapping[str, Any], where: str, allow: AllowList) -> OwnCallback:
    target = str(spec[TARGET])
    found = allow.find_part(target, f"{where}.{TARGET}")
    own = {key: one for key, one in spec.items() if key not in (TARGET, ON)}
    arguments = allow.arguments(own, where)
    if isinstance(found, type):
        if spec.get(ON) is not None:
            raise NotAllowedError(
                f"{where}.on is for a function; the class {target} hears what it has methods for"
            )
        return _of_class(target, where, called(found, arguments, where))
    refuse_uncallable(found, arguments, where, ("the event",))

    def listener(event: Event) -> Any:
        return found(event, **arguments)

    return OwnCallback(target, where, dict.fromkeys(events_of(spec), listener))


def _of_class(target: str, where: str, instance: Any) -> OwnCallback:
    heard = {name: getattr(instance, name) for name in EVENTS if hasattr(instance, name)}
    if not heard:
        methods = [name for name in dir(type(instance)) if not name.startswith("_")]
        near = next((hint for one in methods if (hint := did_you_mean(one, EVENTS))), "")
        raise NotAllowedError(
            f"{where}: {target} hears of nothing: it has no method {', '.join(EVENTS)}{near}"
        )
    for name, method in heard.items():
        try:
            signature_of(method).bind(None)
        except TypeError as err:
            raise NotAllowedError(
                f"{where}: {target}.{name} is called with the event alone: {err}"
            ) from err
    callback = OwnCallback(target, where, heard, instance)
    saves = [hasattr(instance, name) for name in ("state_dict", "load_state_dict")]
    if any(saves) and not all(saves):
        raise NotAllowedError(
            f"{where}: {target} has one of state_dict and load_state_dict; a state that is kept "
            "takes both"
        )
    try:
        callback.state()
    except OwnCodeError as err:
        raise NotAllowedError(str(err)) from err
    except Exception as err:  # of any kind: the class is the user's
        raise NotAllowedError(f"{where}: {target}.state_dict raises {reason(err)}") from err
    return callback


def hears_steps(config: RunConfig, allow: AllowList) -> str | None:
    """The first callback of a config that hears of every step; nothing of it is built."""
    for spec in config.callbacks:
        target = str(spec[TARGET])
        found = allow.find_part(target, "callbacks")
        if STEP_END in events_of(spec) if not isinstance(found, type) else hasattr(found, STEP_END):
            return target
    return None
