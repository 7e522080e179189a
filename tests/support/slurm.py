"""A SLURM of one node on this machine, from Debian's packages, as long as it is needed."""

import os
import platform
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "sinfo", "squeue", "scontrol")

CONFIG = """
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_min_interval=0,sched_interval=1,bf_interval=1
MpiDefault=none
MailProg=/bin/true
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=debug Nodes={host} Default=YES MaxTime=60 State=UP
PartitionName=night Nodes={host} MaxTime=1-12:00:00 State=UP
PartitionName=closed Nodes={host} MaxTime=60 State=INACTIVE
"""


def missing() -> str:
    """Why there can be none here; or nothing."""
    if os.geteuid():
        return "slurmd needs root"
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"{lacking[0]} is not installed (Debian's slurm-wlm and munge)" if lacking else ""


@contextmanager
def slurm(folder: Path) -> Iterator[Path]:
    """Starts it; inside, SLURM's commands find it by the file that is given, in `SLURM_CONF`.

    Raises:
        RuntimeError: if it does not start, with the last that its programs said.
    """
    for name in ("state", "spool"):
        (folder / name).mkdir()
    folder.chmod(0o755)
    config, key = folder / "slurm.conf", folder / "munge.key"
    controller, node = _free_ports(2)
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o400)
    host = platform.node().partition(".")[0]
    config.write_text(CONFIG.format(host=host, folder=folder, controller=controller, node=node))
    socket_file = f"--socket={folder / 'munge.sock'}"
    munge = ["munged", "--foreground", "--force", f"--key-file={key}", socket_file]
    munge += [f"--{name}-file={folder / name}" for name in ("pid", "log", "seed")]
    programs = [munge, ["slurmctld", "-D", "-c"], ["slurmd", "-D", "-c"]]
    running = []
    try:
        for line in programs:
            running.append(_started(line, config, folder))
            if line is munge:
                _await(lambda: (folder / "munge.sock").exists(), folder)
        _await(lambda: "idle" in _said(["sinfo", "-h", "-o", "%t"], config), folder)
        yield config
        _said(["scancel", "--user=root"], config)
        _await(lambda: not _said(["squeue", "-h"], config).strip(), folder)  # nor its srun is left
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _started(line: list[str], config: Path, folder: Path) -> "subprocess.Popen[bytes]":
    with (folder / f"{line[0]}.said").open("wb") as said:
        return subprocess.Popen(
            line,
            stdout=said,
            stderr=said,
            env={**os.environ, "SLURM_CONF": str(config)},
            start_new_session=True,
        )


def _said(line: list[str], config: Path) -> str:
    environment = {**os.environ, "SLURM_CONF": str(config)}
    done = subprocess.run(line, capture_output=True, text=True, env=environment, check=False)
    return done.stdout


def _await(is_so, folder: Path) -> None:
    until = time.monotonic() + 20
    while not is_so():
        if time.monotonic() > until:
            said = {path.name: path.read_text()[-500:] for path in folder.glob("*.said")}
            raise RuntimeError(f"SLURM does not start: {said}")
        time.sleep(0.1)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
