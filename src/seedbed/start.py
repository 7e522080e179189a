"""The first lines of the console script, which alone imports this.

Python tells of a Ctrl-C with a traceback, even while the first modules of a program are read; from
here on it ends the process without one, until `seedbed.process.signals` takes it over.
"""

import signal
from typing import NoReturn

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def script() -> NoReturn:
    """See `seedbed.cli.main.script`."""
    from seedbed.cli.main import script as begin

    begin()
