"""A moment at which several runs begin or end: it is told by one clock."""

from datetime import UTC, datetime

from seedbed.runs.same_files import SameFiles


class Moment:
    """Now, for runs that begin or end together; those that begin have names of one status."""

    def __init__(self) -> None:
        self.text = datetime.now(UTC).isoformat()
        self.files = SameFiles()
