"""Tasks of Ray, which starts those anew whose process or node was lost.

A worker process of Ray does one task and ends, so that each begins as any process of ours does.
"""

import logging
import os
import signal
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from seedbed.config.schema import RayConfig
from seedbed.errors import SeedbedError
from seedbed.process.cores import usable_cores
from seedbed.process.signals import SIGNALS
from seedbed.runs.files import printable
from seedbed.sweep.clusters.cluster import NO_WORD, Standing
from seedbed.sweep.clusters.durations import minutes
from seedbed.sweep.clusters.task import TaskFiles, origin
from seedbed.sweep.clusters.worker import run_task

MOST_GIVEN = 1000
"""Tasks that Ray is given at a time."""

CURRENT = "/tmp/ray/ray_current_cluster"
"""Where a cluster that was started on this machine writes its address."""

ANSWER_SECONDS = 5.0
"""How long a cluster may take to answer."""


class RayCluster:
    """See `Cluster`.

    Args:
        settings: `sweep.ray`.
        folder: of the tasks.

    Raises:
        SeedbedError: if Ray cannot be reached, or started.
    """

    def __init__(self, settings: RayConfig, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self.threads = settings.cpus
        within = settings.start_within
        self.start_within = None if within is None else minutes(within) * 60.0
        self._references: dict[str, Any] = {}
        self._origin = origin()
        self._ray = _connected(settings.address)
        self.slots = max(1, int(self._resources().get("CPU", 1)) // settings.cpus)
        self._check_resources()

    def room(self, running: int) -> int:
        """See `Cluster`."""
        return max(0, MOST_GIVEN - running)

    def submit(self, names: Sequence[str]) -> None:
        """See `Cluster`."""
        remote = self._ray.remote(
            num_cpus=self.settings.cpus,
            num_gpus=self.settings.gpus,
            max_retries=self.settings.retries,
            max_calls=1,
        )(run_task)
        for name in names:
            self._references[name] = remote.remote(str(self.folder), name, self._origin)

    def look(self) -> Mapping[str, Standing]:
        """See `Cluster`."""
        names = {reference: name for name, reference in self._references.items()}
        if not names:
            return {}
        ended, others = self._ray.wait(list(names), num_returns=len(names), timeout=0)
        standings = {names[one]: Standing("lost", self._death(one)) for one in ended}
        for one in others:
            begun = TaskFiles(self.folder, names[one]).alive.exists()
            standings[names[one]] = Standing("running") if begun else self._waiting()
        return standings

    def stop(self, names: Sequence[str]) -> None:
        """See `Cluster`; those that run see the file that says so."""
        for name in names:
            if not TaskFiles(self.folder, name).alive.exists():
                self._cancel(name, force=False)

    def kill(self, names: Sequence[str]) -> None:
        """See `Cluster`."""
        for name in names:
            self._cancel(name, force=True)

    def close(self, *, wait: bool) -> None:
        """See `Cluster`; a cluster that was started here ends."""
        self._references.clear()
        with _signals_kept():
            self._ray.shutdown()

    def _cancel(self, name: str, *, force: bool) -> None:
        with suppress(Exception):  # it may have ended
            self._ray.cancel(self._references[name], force=force)

    def _death(self, reference: Any) -> str:
        """What a task died of, in a line."""
        try:
            self._ray.get(reference, timeout=0)
        except Exception as err:  # of Ray's many kinds, and of whatever was raised there
            lines = [line.strip() for line in str(err).splitlines() if line.strip()]
            said = lines[-1] if "Traceback" in str(err) else lines[0]
            return f"{type(err).__name__}: {printable(said[:300])}"
        return NO_WORD

    def _waiting(self) -> Standing:
        free = self._ray.available_resources()
        asked = {"CPU": self.settings.cpus, "GPU": self.settings.gpus}
        told = ", ".join(f"{free.get(key, 0):.0f} {key}" for key, count in asked.items() if count)
        return Standing("waiting", f"Ray has {told} free; see: ray status")

    def _resources(self) -> Mapping[str, float]:
        resources: Mapping[str, float] = self._ray.cluster_resources()
        return resources

    def _check_resources(self) -> None:
        """What no node of the cluster has would wait for ever."""
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        asked = {"cpus": ("CPU", self.settings.cpus), "gpus": ("GPU", self.settings.gpus)}
        for key, (resource, count) in asked.items():
            most = max((int(node.get(resource, 0)) for node in nodes), default=0)
            if count > most:
                self.close(wait=False)
                raise SeedbedError(
                    f"sweep.ray.{key}={count}: the largest node of the Ray cluster has {most}"
                )


def unreachable(address: str) -> str:
    """Why there is no cluster at an address; or nothing."""
    if address == "auto":
        if os.environ.get("RAY_ADDRESS") or Path(CURRENT).exists():
            return ""
        return "no Ray cluster was started on this machine; type: ray start --head"
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return "it must be auto, HOST:PORT or ray://HOST:PORT"
    try:
        socket.create_connection((host, int(port)), ANSWER_SECONDS).close()
    except (OSError, OverflowError) as err:
        return f"nothing answers there: {err}"
    return ""


def _connected(address: str | None) -> Any:
    """Ray, with a cluster."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    here = {"num_cpus": usable_cores(), "include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    with _signals_kept():
        try:
            ray.init(
                address or "local",
                log_to_driver=False,
                configure_logging=False,
                **(here if address is None else {}),
            )
        except Exception as err:  # of Ray's many kinds
            lines = str(err).strip().splitlines() or [type(err).__name__]
            what = "be started" if address is None else f"be reached at {address}"
            raise SeedbedError(f"sweep.executor=ray: Ray cannot {what}: {lines[0]}") from err
    return ray


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray sets handlers of its own."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            with suppress(ValueError):  # in a thread
                signal.signal(number, handler)
