"""What a claimed directory gets before its run begins: Hydra's files, and the log."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from seedbed.errors import RunDirectoryError
from seedbed.runs.directory import RunDirectory
from seedbed.runs.files import writing
from seedbed.runs.status import Status
from seedbed.runs.yaml_text import yaml_text


@contextmanager
def logged(directory: RunDirectory) -> Iterator[None]:
    """Sends what is logged inside to `run.log`."""
    with writing(directory.log):
        handler = logging.FileHandler(directory.log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("seedbed")
    before = logging.raiseExceptions, logger.level, logger.propagate
    logging.raiseExceptions = False  # a full disk is told once, not with a traceback of its own
    logger.setLevel(logging.INFO)
    logger.propagate = False
    warned = logging.getLogger("py.warnings")  # where what libraries warn of comes
    for one in (logger, warned):
        one.addHandler(handler)
    try:
        yield
    finally:
        for one in (logger, warned):
            one.removeHandler(handler)
        logging.raiseExceptions, level, logger.propagate = before
        logger.setLevel(level)
        with suppress(OSError):  # the disk may be full; that has been told already
            handler.close()


def write_hydra_files(contents: Mapping[str, Any], directory: RunDirectory) -> None:
    """Writes `.hydra/`.

    Args:
        contents: of each file, by its name; where there are none, no folder is made.
        directory: of the run.

    Raises:
        RunDirectoryError: if it cannot be written; the status is failed then.
    """
    if not contents:
        return
    try:
        directory.files.make_folder(directory.hydra)
        for name, content in contents.items():
            directory.files.write(directory.hydra / name, yaml_text(content).encode())
    except RunDirectoryError as err:
        with suppress(RunDirectoryError):  # the disk may be full
            directory.write_status(Status.FAILED, str(err))
        raise
