"""How ranks find one another, and what is told where one cannot, or is lost."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed import Store, TCPStore  # type: ignore[attr-defined]
from torch.distributed.rendezvous import rendezvous

from seedbed.errors import ConfigError, RunFailedError
from seedbed.process.place import Place
from seedbed.ranks.group import Group, Lost
from seedbed.training.interrupt import Stopping

ANSWER = timedelta(minutes=10)
"""How long a rank may be busy while another waits for it; a dead one is noticed at once."""

LOOPBACK = ("lo", "lo0")
GLOO_INTERFACE = "GLOO_SOCKET_IFNAME"

READY = "seedbed/ready"
"""Under which each rank says that it is there; a rank that ends before keeps no other waiting."""

LOOK_SECONDS = 0.02
"""Between two looks whether all are there."""


class RankLostError(RunFailedError):
    """Another rank is gone; a rank that is not the first ends without a word then."""


@contextmanager
def joined(
    place: Place,
    device: torch.device,
    store: Store,
    lost: Lost,
    look: Callable[[], None],
    stop: Stopping,
) -> Iterator[Group]:
    """One rank among the others, inside the block.

    Args:
        place: of this rank.
        device: where it computes.
        store: that all ranks know.
        lost: see `Group`.
        look: raises if a rank is lost before all are there.
        stop: whether not to wait for them.

    Raises:
        ConfigError: if torch.distributed is in use in this process already.
    """
    if dist.is_initialized():
        raise ConfigError(
            "trainer.strategy: torch.distributed is set up in this process already, and a run sets "
            "it up itself; call torch.distributed.destroy_process_group() before"
        )
    _wait_for_all(place, store, lost, look, stop)
    backend = "gloo"
    if device.type == "cuda":  # never run: there was no GPU to try it on
        torch.cuda.set_device(device)
        backend = "nccl"
    try:
        dist.init_process_group(
            backend, store=store, rank=place.rank, world_size=place.ranks, timeout=ANSWER
        )
    except RuntimeError as err:
        lost(err)
    try:
        yield Group(place, device, lost)
    finally:
        with suppress(Exception):  # a rank may be gone
            dist.destroy_process_group()


def _wait_for_all(
    place: Place, store: Store, lost: Lost, look: Callable[[], None], stop: Stopping
) -> None:
    """Torch would wait too, and hear no signal."""
    until = time.monotonic() + ANSWER.total_seconds()
    try:
        store.set(f"{READY}/{place.rank}", "")
        while not store.check([f"{READY}/{rank}" for rank in range(place.ranks)]):
            look()
            if stop.requested:
                raise KeyboardInterrupt
            if time.monotonic() > until:
                lost(TimeoutError("not all ranks were started"))
            time.sleep(LOOK_SECONDS)
    except RuntimeError as err:  # whoever holds the store is gone
        lost(err)


def store_of(port: int, place: Place, listening: socket.socket | None) -> Store:
    """What ranks of one machine find one another by.

    Args:
        port: of the first rank.
        place: of this one.
        listening: of the first rank, at that port.
    """
    if listening is None:
        return TCPStore("127.0.0.1", port, place.ranks, False, ANSWER, False)
    return TCPStore(
        "127.0.0.1", port, place.ranks, True, ANSWER, False, master_listen_fd=listening.detach()
    )


def store_told(place: Place) -> Store:
    """What ranks find one another by that somebody else started, as the environment says.

    Raises:
        ConfigError: if these are not set, or the port is taken.
    """
    missing = [name for name in ("MASTER_ADDR", "MASTER_PORT") if name not in os.environ]
    if missing:
        raise ConfigError(
            f"RANK and WORLD_SIZE are set, and {' and '.join(missing)} not; start ranks by "
            "torchrun, or unset RANK to have them started here"
        )
    where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
    try:
        store: Store = next(rendezvous("env://", place.rank, place.ranks, timeout=ANSWER))[0]
    except (RuntimeError, ValueError, OSError) as err:
        text = " ".join(str(err).split())
        if "EADDRINUSE" in text or "address already in use" in text.lower():
            raise ConfigError(
                f"MASTER_PORT: the port of {where} is taken; type another, such as torchrun "
                "--master-port=0"
            ) from err
        raise ConfigError(f"MASTER_ADDR, MASTER_PORT: no rank is heard at {where}: {text}") from err
    return store


@contextmanager
def on_loopback() -> Iterator[None]:
    """Ranks of one machine need no name of a host, which may lead nowhere."""
    names = {name for _, name in socket.if_nameindex()}
    found = [name for name in LOOPBACK if name in names]
    if GLOO_INTERFACE in os.environ or not found:
        yield
        return
    os.environ[GLOO_INTERFACE] = found[0]
    try:
        yield
    finally:
        del os.environ[GLOO_INTERFACE]


def refuse_disagreement(group: Group, own: Mapping[str, Any]) -> None:
    """Refuses ranks that would train something else together.

    Args:
        group: the ranks.
        own: what this one goes by: texts, by what they are called.

    Raises:
        DisagreementError: on every rank.
    """
    of_ranks = group.of_all(dict(own))
    first = of_ranks[0]
    for rank, other in enumerate(of_ranks):
        for what in dict.fromkeys([*first, *other]):
            if first.get(what) != other.get(what):
                raise DisagreementError(
                    f"ranks disagree: {what} is {_short(first.get(what))} on rank 0 and "
                    f"{_short(other.get(what))} on rank {rank}; start all ranks with the same "
                    "command, code and data"
                )


class DisagreementError(ConfigError):
    """Ranks of another config, code or data; the first rank tells it for all."""


def _short(value: Any) -> str:
    text = "not there" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
