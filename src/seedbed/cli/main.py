"""`seedbed COMMAND …`: finds the command; what goes wrong becomes a line and an exit code."""

import atexit
import errno
import importlib
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import NoReturn

from seedbed import __version__
from seedbed.config.hints import did_you_mean
from seedbed.errors import RunFailedError, SeedbedError
from seedbed.raised import reason, shown_traceback

DONE, RUN_FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130

COMMANDS = {
    "train": "train one run, or with -m a sweep",
    "validate": "check a config without training; all mistakes at once",
    "summary": "a model's layers and parameters",
    "predict": "predictions for new rows",
    "inspect": "weights, and what the layers make of an input",
    "plot": "loss curves",
    "resume": "go on where a run stopped, to the same bits",
    "reproduce": "run a run again and compare bit for bit",
}

HELP = """\
seedbed: experiments in PyTorch, described in YAML and run with one command.

usage: seedbed COMMAND ...

{commands}

example: seedbed train model=sequential loader.batch_size=4 optimizer.lr=0.01 trainer.epochs=100
Each command has --help. Exit codes: 0 done, 1 a run failed, 2 wrong input, 130 interrupted.
"""


def script() -> NoReturn:
    """The console script: `main`, and the end of the process.

    Python takes every object apart before it ends, which takes half a second and more where torch
    is among them. What is to be done at the end is done here, and nothing else.
    """
    from seedbed.cli import collector
    from seedbed.cli.ahead import allow_forks

    collector.rest()
    allow_forks()
    try:
        code: object = main()
    except SystemExit as end:  # of --help
        code = end.code
    working = [one for one in threading.enumerate() if not one.daemon]
    if code not in range(256) or len(working) > 1:  # a model of the user's may have threads
        sys.exit(code)  # type: ignore[arg-type]
    atexit._run_exitfuncs()
    assert isinstance(code, int)
    os._exit(_flushed(code))


def _flushed(code: int) -> int:
    """The exit code, once all that was said is on its way."""
    try:
        if sys.stdout is not None:  # as where it was closed before the start
            sys.stdout.flush()
    except BrokenPipeError:
        return code  # the reader has gone, as `head` does
    except OSError as err:
        print(f"error: cannot write the output: {err.strerror}", file=sys.stderr)
        return RUN_FAILED
    return code


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _command(words)
    except RunFailedError as err:
        return _told(RUN_FAILED, *err.problems)
    except SeedbedError as err:
        return _told(WRONG_INPUT, *err.problems)
    except KeyboardInterrupt:
        print("error: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does; Python would complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except MemoryError as err:
        what = f" ({err})" if str(err) else ""
        advice = "less data, a smaller model or a smaller loader.batch_size takes less"
        return _told(RUN_FAILED, f"not enough memory{what}; {advice}")
    except OSError as err:
        if err.errno != errno.ENAMETOOLONG:
            return _unforeseen(err)
        name = str(err.filename)
        return _told(WRONG_INPUT, f"no file can have a name as long as '{name[:60]}…'")
    except Exception as err:
        return _unforeseen(err)


def _unforeseen(err: Exception) -> int:
    """The exit code of what no command expects."""
    return _told(RUN_FAILED, f"{reason(err)[:1000]}; SEEDBED_DEBUG=1 shows where")


def _told(code: int, *problems: str) -> int:
    """The exit code, once the error that is being handled is told."""
    error = sys.exc_info()[1]
    if os.environ.get("SEEDBED_DEBUG") and error is not None:
        print(shown_traceback(error), end="", file=sys.stderr)
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return code


def _command(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        listed = "\n".join(f"  {name:<10} {text}" for name, text in COMMANDS.items())
        print(HELP.format(commands=listed), end="")
        return DONE
    if words[0] in ("-V", "--version"):
        print(f"seedbed {__version__}")
        return DONE
    name, *rest = words
    if name not in COMMANDS:
        hint = did_you_mean(name, COMMANDS) or f"; there are {', '.join(COMMANDS)}"
        raise SeedbedError(f"no command '{name}'{hint}")
    module = importlib.import_module(f"seedbed.cli.{name}")
    run: Callable[[list[str]], int] = module.main
    return run(rest)


if __name__ == "__main__":
    script()
