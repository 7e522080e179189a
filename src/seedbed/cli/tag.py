"""`seedbed tag RUN… WORD`: gives runs a word, by which `seedbed runs --filter` finds them."""

from collections.abc import Sequence
from pathlib import Path

from seedbed.cli.arguments import Parser
from seedbed.errors import ArgumentError
from seedbed.process.exit_codes import DONE
from seedbed.remote.places import here_alone
from seedbed.runs.notes import checked_tags, tag
from seedbed.runs.reader import open_run


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "tag",
        "Gives runs a word; a run that goes on may be tagged too.",
        "seedbed tag outputs/sum/2026-… baseline",
    )
    made.add_argument("runs", metavar="RUN", nargs="+", type=here_alone, help="a run directory")
    made.add_argument("word", metavar="WORD", help="the tag: letters, digits, and . _ + - inside")
    made.add_argument("--remove", action="store_true", help="take the word away from them")
    return made


def main(argv: Sequence[str]) -> int:
    """Tags; the exit code."""
    args = parser().parse_intermixed_args(argv)
    if Path(args.word).is_dir():
        raise ArgumentError(f"tag: the last word is the tag, and '{args.word}' is a folder")
    (word,) = checked_tags([args.word])
    for paths, tags in tag([open_run(run) for run in args.runs], word, remove=args.remove):
        print(f"{paths.root}: {' '.join(tags) or 'no tags'}")
    return DONE
