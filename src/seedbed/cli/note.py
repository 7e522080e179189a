"""`seedbed note RUN TEXT`: writes a note beside a run."""

from collections.abc import Sequence

from seedbed.cli.arguments import Parser
from seedbed.process.exit_codes import DONE
from seedbed.remote.places import here_alone
from seedbed.runs.notes import checked_note, note
from seedbed.runs.reader import open_run


def parser() -> Parser:
    """The arguments."""
    made = Parser(
        "note",
        "Writes a note beside a run, in the place of an earlier one; without TEXT, prints it.",
        'seedbed note outputs/sum/2026-… "loss jumps at epoch 12"',
    )
    made.add_argument("run", metavar="RUN", type=here_alone, help="a run directory")
    made.add_argument("text", metavar="TEXT", nargs="?", help="the note; '' takes it away")
    return made


def main(argv: Sequence[str]) -> int:
    """Writes, or prints; the exit code."""
    args = parser().parse_intermixed_args(argv)
    text = None if args.text is None else checked_note(args.text)
    print(note(open_run(args.run), text) or "no note")
    return DONE
