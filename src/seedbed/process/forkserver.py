"""Worker processes that are forks of a server, which has no threads whatever this process has.

The server imports torch once; forking it is a matter of milliseconds. Workers of ours take all that
they need as arguments, so they do not run the user's main module again, as multiprocessing's do.
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext
from typing import Any

from seedbed.process import signals


def workers_of_server(preloaded: Sequence[str]) -> ForkServerContext:
    """What makes workers; its server is started where no signal reaches it.

    A signal to all processes of a terminal would end the server while it imports torch.

    Args:
        preloaded: modules that workers need; of no effect once the server runs.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preloaded))
    with without_main_module():
        with signals.blocked():
            resource_tracker.ensure_running()
        with signals.blocked():  # once more: starting that one let them through
            forkserver.ensure_running()
    return context


def end_with_owner() -> None:
    """Has a worker of a server end when the process that asked for it is gone, also by SIGKILL.

    To the system the server is its parent, and a server lives as long as its workers: who looks at
    its parent's number, as a DataLoader's workers do, would wait for ever.
    """
    owner = multiprocessing.parent_process()
    if owner is None or owner.pid == os.getppid():  # a fork: its parent's number tells
        return

    def wait_and_end() -> None:
        owner.join()
        os._exit(1)

    threading.Thread(target=wait_and_end, daemon=True).start()


def server_pid() -> int | None:
    """The server's process; None if it does not run, or Python tells it under another name."""
    return getattr(getattr(forkserver, "_forkserver", None), "_forkserver_pid", None)


@contextmanager
def without_main_module() -> Iterator[None]:
    """Workers that are started inside do not run the user's main module.

    Without it a script that calls Seedbed at its top level would begin again in each of them.
    """
    main: Any = sys.modules["__main__"]
    before = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    for name in before:
        setattr(main, name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(main, name, value)
