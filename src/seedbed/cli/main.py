"""`seedbed COMMAND …`: finds the command; what goes wrong becomes a line and an exit code."""

# Little is imported here: until `script` takes them over, signals have Python's effect.
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from seedbed import __version__
from seedbed.process import signals
from seedbed.process.exit_codes import DONE

COMMANDS = {
    "train": "train one run, or with -m a sweep",
    "validate": "check a config without training; all mistakes at once",
    "summary": "a model's layers and parameters",
    "predict": "predictions for new rows",
    "evaluate": "loss and metrics on a labelled file, by group, with intervals",
    "inspect": "weights, and what the layers make of an input",
    "plot": "loss curves, a run on its validation or test rows, pictures of many runs",
    "runs": "a table of all runs: what differs, how they ended, metrics",
    "dashboard": "TensorBoard over runs, on this machine alone",
    "tag": "give runs a word that a filter finds",
    "note": "write a note beside a run",
    "unpack": "make run directories of the runs of a packed sweep",
    "remove": "remove runs or a sweep, saying first what goes",
    "compare": "what differs between runs, which setting is best, and whether that is shown",
    "report": "one HTML page of runs: verdict, table, curves; needs no network",
    "confirm": "train a sweep's best settings again with fresh seeds",
    "lr-find": "many learning rates in one pass, and the one to begin with",
    "resume": "go on where a run stopped, to the same bits",
    "reproduce": "run a run again and compare bit for bit",
}

HELP = """\
seedbed: experiments in PyTorch, described in YAML and run with one command.

usage: seedbed COMMAND ...

{commands}

example: seedbed train model=sequential loader.batch_size=4 optimizer.lr=0.01 trainer.epochs=100
Each command has --help. Exit codes: 0 done, 1 a run failed, 2 wrong input, 130 interrupted (129 by
SIGHUP, 143 by SIGTERM).
"""


def script() -> NoReturn:
    """The console script: `main`, and the end of the process."""
    signals.take_over()
    from seedbed.process import fast_start, streams

    streams.guard()
    fast_start.begin()
    if _help(sys.argv[1:]) is None:
        _keep_warnings()
    try:
        code: object = main()
    except SystemExit as end:  # of --help
        code = end.code
    fast_start.end(code)


def _keep_warnings() -> None:
    """What libraries warn of and log goes to `run.log`, or nowhere: the terminal has our words."""
    import logging

    logging.captureWarnings(True)
    logging.getLogger().addHandler(logging.NullHandler())


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; the exit code."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _command(argv)
    except KeyboardInterrupt:
        code = signals.exit_code()
    except Exception as err:
        from seedbed.cli.failing import print_failure

        return print_failure(err)
    if code == signals.exit_code():
        signals.tell_ending()
    return code


def _help(argv: Sequence[str]) -> str | None:
    """To words that ask for no command."""
    if not argv or argv[0] in ("-h", "--help", "help"):
        listed = "\n".join(f"  {name:<10} {text}" for name, text in COMMANDS.items())
        return HELP.format(commands=listed)
    return f"seedbed {__version__}\n" if argv[0] in ("-V", "--version") else None


def _command(argv: list[str]) -> int:
    text = _help(argv)
    if text is not None:
        print(text, end="")
        return DONE
    name, *rest = argv
    if name not in COMMANDS:
        from seedbed.config.hints import did_you_mean
        from seedbed.errors import SeedbedError

        hint = did_you_mean(name, COMMANDS) or f"; there are {', '.join(COMMANDS)}"
        raise SeedbedError(f"no command '{name}'{hint}")
    import importlib

    module = importlib.import_module(f"seedbed.cli.{name.replace('-', '_')}")
    run: Callable[[list[str]], int] = module.main
    return run(rest)


if __name__ == "__main__":
    script()
