"""Starts the other ranks of a run on this machine, and hears how they end.

Forks of this process have the rows and the model for nothing; where this process may not be forked,
or computes on GPUs, workers of a server build their own.
"""

import os
import pickle
import socket
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn

import torch

from seedbed.components import AllowList
from seedbed.config.schema import RunConfig
from seedbed.errors import RunFailedError
from seedbed.handed_in import all_handed_in, handing_in
from seedbed.process import quiet, signals, threads, workers
from seedbed.process.forkserver import workers_of_server
from seedbed.process.place import Place
from seedbed.raised import reason
from seedbed.ranks.group import Group
from seedbed.ranks.joining import DisagreementError, RankLostError, joined, on_loopback, store_of
from seedbed.ranks.training import follow
from seedbed.training.build_run import build_run
from seedbed.training.interrupt import StopRequest, stop_request
from seedbed.training.run_components import RunComponents

PRELOADED = ("seedbed.ranks.starting",)

LAST_SECONDS = 5.0
"""How long ranks may take to end, or to say why they do."""

Said = tuple[str, str, str]
"""raised, lost or done; why; the traceback."""


@contextmanager
def started(plan: RunComponents, stop: StopRequest) -> Iterator[Group]:
    """The ranks of a run, of which this process is the first; none is left after the block.

    Args:
        plan: of the run.
        stop: what this process hears.

    Raises:
        RunFailedError: if there is no room for them, or one of them is lost.
    """
    ranks = _Ranks()
    place = Place(0, plan.ranks, 0)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))  # a port that is free
        listening.listen(plan.ranks)
        port = listening.getsockname()[1]
        try:
            for rank in range(1, plan.ranks):
                ranks.start(plan, Place(rank, plan.ranks, rank), port, listening)
            store = store_of(port, place, listening)
            with (
                on_loopback(),
                joined(place, plan.device, store, ranks.lost, ranks.look, stop) as group,
            ):
                yield group
            ranks.wait()
        finally:
            ranks.end()


class _Ranks:
    """The processes of the other ranks."""

    def __init__(self) -> None:
        self.workers: dict[Connection, tuple[int, workers.Worker]] = {}
        signals.at_end.append(self._end_now)

    def start(self, plan: RunComponents, place: Place, port: int, listening: socket.socket) -> None:
        """Starts one."""
        try:
            worker = _worker(plan, place, port, listening)
        except OSError as err:
            raise RunFailedError(f"rank {place.rank} cannot be started: {err.strerror}") from err
        self.workers[worker.pipe] = (place.rank, worker)

    def look(self) -> None:
        """Raises, as `lost`, if one has ended already."""
        if wait(list(self.workers), 0):
            self.lost(RuntimeError("it ended before it began"))

    def lost(self, err: Exception) -> NoReturn:
        """Finds out which rank is gone, and why.

        Raises:
            RunFailedError: telling it.
        """
        told = self._hear()
        texts = [f"rank {rank}: {why}" for rank, (what, why, _) in told if what == "raised"]
        texts += [f"rank {rank} died: {why}" for rank, (what, why, _) in told if what == "died"]
        traces = [trace for _, (what, _, trace) in told if what == "raised" and trace]
        if traces:
            err.add_note(f"The traceback of the rank:\n{traces[0]}")
        said = " ".join(str(err).split())[:300]
        raise RunFailedError(texts[0] if texts else f"a rank does not answer ({said})") from err

    def _hear(self) -> list[tuple[int, Said]]:
        """What ranks say that end within some seconds, or what those died of that say nothing."""
        told: list[tuple[int, Said]] = []
        until = time.monotonic() + LAST_SECONDS
        while self.workers and (left := until - time.monotonic()) > 0:
            for pipe in wait(list(self.workers), left):
                assert isinstance(pipe, Connection)
                rank, worker = self.workers[pipe]
                said: Said | None = None
                with suppress(EOFError, OSError):
                    said = pipe.recv()
                if said is None:
                    del self.workers[pipe]
                    said = ("died", workers.death(worker.end()), "")
                told.append((rank, said))
            if any(said[0] in ("raised", "died") for _, said in told):
                break
        return told

    def wait(self) -> None:
        """Lets them come to their end, which is that of this rank."""
        until = time.monotonic() + LAST_SECONDS
        for pipe in self.workers:
            with suppress(EOFError, OSError):
                if pipe.poll(max(0.0, until - time.monotonic())):
                    pipe.recv()

    def end(self) -> None:
        """Nothing of them is left."""
        signals.forget(self._end_now)
        for _, worker in self.workers.values():
            worker.kill()
            worker.end()
        self.workers.clear()

    def _end_now(self) -> None:
        for _, worker in self.workers.values():
            worker.kill()


def _worker(
    plan: RunComponents, place: Place, port: int, listening: socket.socket
) -> workers.Worker:
    if plan.device.type == "cpu" and threads.may_fork():

        def work(pipe: Connection) -> None:
            listening.close()
            _follow(pipe, place, port, plan)

        return workers.forked(work)
    if not workers.has_server():
        raise RunFailedError(
            "trainer.strategy: ranks cannot be started from this process, which has threads; start "
            f"them by torchrun --standalone --nproc-per-node={place.ranks} -m seedbed train …"
        )
    sent = _sent(plan.config)
    context = workers_of_server(PRELOADED)
    return workers.served(context, _follow_anew, (sent, place, port))


def _sent(config: RunConfig) -> bytes:
    """The run as another process can be sent it.

    Raises:
        RunFailedError: if a class of it is of this program itself.
    """
    try:
        return pickle.dumps((config, dict(all_handed_in())))
    except Exception as err:  # of any kind: what was handed in is the user's
        raise RunFailedError(
            f"trainer.strategy: what this program hands in cannot be sent to ranks: {err}; start "
            "the run from the command line"
        ) from err


def _follow_anew(pipe: Connection, sent: bytes, place: Place, port: int) -> None:
    """Of a server's worker, which has no part of the run."""
    os.environ.update(
        RANK=str(place.rank), WORLD_SIZE=str(place.ranks), LOCAL_RANK=str(place.local)
    )
    handed: Mapping[str, Any]
    config, handed = pickle.loads(sent)
    with handing_in(handed):
        _follow(pipe, place, port, config)


def _follow(pipe: Connection, place: Place, port: int, run: RunComponents | RunConfig) -> None:
    """All that a rank does that is not the first: it speaks to that one alone."""
    workers.begin()
    quiet.begin()
    said: Said = ("done", "", "")
    workers.obey(pipe, lambda: os._exit(1))
    try:
        plan = run if isinstance(run, RunComponents) else build_run(run, AllowList(run.allow))
        with stop_request() as stop, on_loopback():
            torch.set_num_threads(plan.threads)
            store = store_of(port, place, None)
            with joined(place, plan.device, store, _lost, _nothing, stop) as group:
                follow(plan, stop, group)
    except (RankLostError, DisagreementError) as err:
        said = ("lost", str(err), "")
    except BaseException as err:  # SystemExit too, of the user's own
        said = ("raised", reason(err), traceback.format_exc())
    with suppress(OSError):
        pipe.send(said)


def _nothing() -> None:
    """The first rank looks for all; if it is gone, so is this one."""


def _lost(err: Exception) -> NoReturn:
    raise RankLostError(str(err)) from err
