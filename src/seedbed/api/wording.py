"""What a Python program types, in errors that were written for the command line."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from seedbed.errors import SeedbedError

IN_PYTHON = (
    (r"^hydra\.(run|sweep)\.dir must name", "directory must name"),
    (r"type (another )?hydra\.(run|sweep)\.dir(=\w+)?", r"give \1directory="),
    (r"or another hydra\.(run|sweep)\.dir", "or another directory="),
    (r"for a sweep type seedbed train -m …", "for a sweep call seedbed.sweep(…)"),
    (r"for a sweep type -m (\S+)", r"for a sweep call seedbed.sweep('\1')"),
    (r"type -m for a sweep", "call seedbed.sweep for a sweep"),
    (r"(?:type )?\bseedbed resume (\S+) --changed", r"call seedbed.resume('\1', changed=True)"),
    (r"(?:type )?\bseedbed resume (\S+) ([^\s;,()]+=\S+)", r"call seedbed.resume('\1', '\2')"),
    (r"(?:type )?\bseedbed resume (\S+)", r"call seedbed.resume('\1')"),
    (r"with --checkpoint (\w+)", r"with checkpoint='\1'"),
    (r"type --checkpoint (\w+)", r"give checkpoint='\1'"),
    (r"^--metric: ", "metric: "),
    (r"type --metric and one of", "give metric= and one of"),
    (r"type --better (\w+) or --better (\w+)", r"give better='\1' or better='\2'"),
    (r"^--better: ", "better: "),
    (r"^--over: ", "over: "),
    (r"type --over none", "give over=[]"),
    (r"type --over seed,data.split.seed", "give over=['seed', 'data.split.seed']"),
    (r"^--sort: ", "sort: "),
    (r"^--(kind|against|rows)(: | is )", r"\1\2"),
    (r"type --kind and one of", "give kind= and one of"),
    (r"type --kind (\w+)", r"give kind='\1'"),
    (r"type --rows (\w+), --file labelled.csv, or", r"give rows='\1', rows with labels, or"),
    (r"type --file labelled.csv", "give rows= with their labels"),
    (r"^--key(: | is )", r"keys\1"),
    (r"type --against and one of", "give against= and one of"),
    (r"^--output: ", "path: "),
    (r"or name another file with --output", "or give another path"),
    (r"; --json --limit 1 shows the names", "; columns has the names"),
)
"""Advice of the commands and what to do instead; the first that fits a place takes it."""


@contextmanager
def worded_for_python(*first: tuple[str, str]) -> Iterator[None]:
    """Gives the errors that are raised inside advice that a Python program can follow.

    Args:
        first: advice that is followed otherwise here, before that of `IN_PYTHON`.
    """
    try:
        yield
    except SeedbedError as err:
        err.problems = [in_python(problem, first) for problem in err.problems]
        err.args = ("\n".join(err.problems),)
        raise


def in_python(problem: str, first: Iterable[tuple[str, str]] = ()) -> str:
    """A problem, with advice that a Python program can follow."""
    for typed, call in (*first, *IN_PYTHON):
        problem = re.sub(typed, call, problem)
    return problem
