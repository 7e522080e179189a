"""What a Python program types, in errors that were written for the command line."""

import re

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
)
"""Advice of the commands and what to do instead; the first that fits a place takes it."""


def in_python(problem: str) -> str:
    """A problem, with advice that a Python program can follow."""
    for typed, call in IN_PYTHON:
        problem = re.sub(typed, call, problem)
    return problem
