"""A temporary folder that goes, whatever ends the process."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from seedbed.process import signals


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """An empty folder; it is gone at the end, also where a signal ends the process."""
    with ExitStack() as stack:
        with signals.held():
            folder = TemporaryDirectory(prefix="seedbed-", ignore_cleanup_errors=True)
            stack.enter_context(
                signals.done_at_end(lambda: shutil.rmtree(folder.name, ignore_errors=True))
            )
            stack.enter_context(folder)  # left first: a signal meanwhile takes the rest away
        yield Path(folder.name)
