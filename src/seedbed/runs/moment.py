"""A moment at which several runs begin or end: it is told by one clock, and by one file."""

from datetime import UTC, datetime

from seedbed.runs.same_files import SameFiles


class Moment:
    """Now, for runs that begin or end together; statuses that are equal are names of one file."""

    def __init__(self) -> None:
        self.text = datetime.now(UTC).isoformat()
        self.files = SameFiles()
