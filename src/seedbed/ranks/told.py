"""Ranks that somebody else started, such as torchrun."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from torch.distributed import Store  # type: ignore[attr-defined]

from seedbed.process.place import Place
from seedbed.raised import reason
from seedbed.ranks.group import Group, Lost
from seedbed.ranks.joining import (
    LOOK_SECONDS,
    DisagreementError,
    RankLostError,
    joined,
    store_told,
)
from seedbed.ranks.training import follow
from seedbed.training.interrupt import StopRequest, stop_request
from seedbed.training.run_components import RunComponents

ERROR = "seedbed/error"
"""Under which a rank that raises says what, for the first one to hear."""

WORD_SECONDS = 2.0
"""How long a rank that ended may take to have said why."""


@contextmanager
def joined_told(plan: RunComponents, place: Place, stop: StopRequest) -> Iterator[Group]:
    """One rank among the others, as the environment says.

    Args:
        plan: of the run.
        place: of this rank.
        stop: what it hears.

    Raises:
        ConfigError: if they do not find one another.
        RankLostError: if one is lost.
    """
    store = store_told(place)

    def look() -> None:
        if told := _error_told(store):
            raise RankLostError(told)

    try:
        with joined(place, plan.device, store, _lost(store), look, stop) as group:
            yield group
    except (RankLostError, DisagreementError, KeyboardInterrupt):
        raise
    except BaseException as err:  # SystemExit too, of the user's own
        if place.is_first or not _tell(store, text := f"rank {place.rank}: {reason(err)}"):
            raise
        raise RankLostError(text) from err


def followed(plan: RunComponents, place: Place) -> Any:
    """Trains on a rank that is not the first; what the first one tells at the end."""
    with stop_request() as stop, joined_told(plan, place, stop) as group:
        return follow(plan, stop, group)


def _tell(store: Store, text: str) -> bool:
    """Says what this rank raised; whether the first one can hear it."""
    with suppress(RuntimeError):
        store.set(ERROR, text)
        return True
    return False


def _error_told(store: Store) -> str | None:
    with suppress(Exception):
        if store.check([ERROR]):
            return bytes(store.get(ERROR)).decode(errors="replace")
    return None


def _lost(store: Store) -> Lost:
    def lost(err: Exception) -> NoReturn:
        text, until = " ".join(str(err).split())[:300], time.monotonic() + WORD_SECONDS
        while not (told := _error_told(store)) and time.monotonic() < until:
            time.sleep(LOOK_SECONDS)
        raise RankLostError(
            told or f"another rank has ended, or does not answer ({text}); its own output tells why"
        ) from err

    return lost
