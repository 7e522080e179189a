"""Tells what was raised, and the line of the user's own code that it came from.

Code is the user's if it lies neither in Seedbed, nor in Python's library, nor among the installed
packages, and was called by Seedbed.
"""

import re
import traceback
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from types import CodeType, TracebackType

HERE = str(Path(__file__).resolve().parent)
OURS = (HERE, str(Path(__file__).resolve().parents[1] / "hydra_plugins" / "seedbed"))
INSTALLED = {"site-packages", "dist-packages"}

WRITTEN_BY_TORCH = "torchinductor"
"""How the folder begins that torch's compiler keeps its own code in."""

IN_WORKER = re.compile(r"Caught \w+ in DataLoader worker process \d+\.\s*Original Traceback")
"""How torch begins the message of what was raised in another process; its traceback follows."""

WORKER_FRAME = re.compile(r'^  File "(.+)", line (\d+), in (.+)$', re.M)

Frame = tuple[str, int, str]
"""A file, a line in it, and the function."""


def reason(err: BaseException) -> str:
    """`KeyError: 'x' (net.py, line 12, in forward)`, on one line.

    The place is told where it is in the user's own code.
    """
    told = _type_and_message(err)
    frames = _own_frames(err)
    if not frames or isinstance(err, SyntaxError):  # whose message tells the place itself
        return told
    return f"{told} ({_place(frames[-1])})"


def first_line(err: BaseException) -> str:
    """What a library's error says first, or its kind where it says nothing."""
    return str(err).partition("\n")[0] or type(err).__name__


def is_of_user(err: BaseException) -> bool:
    """Whether it was raised in the user's own code, or in what that called."""
    return bool(_own_frames(err))


def place_in_own_code(frames: Sequence[Frame]) -> str:
    """` (net.py, line 12, in forward)`, of the last frame in the user's own code; or nothing."""
    own = [frame for frame in frames if _is_users(frame[0])]
    return f" ({_place(own[-1])})" if own else ""


def shown_traceback(err: BaseException) -> str:
    """The traceback of the user's own error behind `err`, from their first frame on; else all."""
    for one in _chain(err):
        message = str(one)
        if IN_WORKER.search(message):
            return message.rstrip() + "\n"
        first = next(iter(_own_frames(one)), None)
        if first is None:
            continue
        told = traceback.TracebackException.from_exception(one)
        told.__cause__ = told.__context__ = None
        frames = [(frame.filename, frame.lineno, frame.name) for frame in told.stack]
        told.stack = traceback.StackSummary.from_list(told.stack[frames.index(first) :])
        return "".join(told.format())
    return "".join(traceback.format_exception(err))


def own_traceback(err: BaseException) -> TracebackType | None:
    """The traceback of the user's own error behind `err`: from their first frame to their last.

    None where their code raised nothing, or did so in another process.
    """
    for one in _chain(err):
        own = set(_own_frames(one))
        parts: list[TracebackType] = []
        part = one.__traceback__
        while part is not None:
            parts.append(part)
            part = part.tb_next
        marked = [n for n, part in enumerate(parts) if _frame_of(part) in own]
        if not marked:
            continue
        whole: TracebackType | None = None
        for part in reversed(parts[marked[0] : marked[-1] + 1]):
            whole = TracebackType(whole, part.tb_frame, part.tb_lasti, part.tb_lineno)
        return whole
    return None


def defined_at(part: object) -> str:
    """Where a function or class of the user's own begins, ` (mine.py, line 3, in worst)`."""
    code = _code_of(part)
    if code is None or not _is_users(code.co_filename):
        return ""
    return f" ({_place((code.co_filename, code.co_firstlineno, code.co_name))})"


def _code_of(part: object) -> CodeType | None:
    """Of a function, whatever it is wrapped in; of a class or an object, of what is called."""
    while isinstance(part, partial):
        part = part.func
    part = getattr(part, "__wrapped__", part)
    called = ("__func__", "compute", "forward", "__call__")
    for one in (part, *(getattr(part, name, None) for name in called)):
        code = getattr(getattr(one, "__wrapped__", one), "__code__", None)
        if isinstance(code, CodeType):
            return code
    return None


def _frame_of(part: TracebackType) -> Frame:
    code = part.tb_frame.f_code
    return code.co_filename, part.tb_lineno, code.co_name


def _type_and_message(err: BaseException) -> str:
    message = str(err)
    if IN_WORKER.search(message):
        return " ".join(message.strip().splitlines()[-1].split())
    message = " ".join(message.split())
    return f"{type(err).__name__}: {message}" if message else type(err).__name__


def _chain(err: BaseException) -> Iterator[BaseException]:
    """The error, and what it was made of."""
    one: BaseException | None = err
    seen: set[int] = set()
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _own_frames(err: BaseException) -> list[Frame]:
    """The frames of the user's code, outermost first."""
    message = str(err)
    if IN_WORKER.search(message):
        found = [(file, int(line), name) for file, line, name in WORKER_FRAME.findall(message)]
        return [frame for frame in found if _is_users(frame[0])]
    frames = [
        (frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(err.__traceback__)
    ]
    return [frame for frame in _below_seedbed(frames) if _is_users(frame[0])]


def _below_seedbed(frames: Sequence[Frame]) -> Sequence[Frame]:
    """Those that Seedbed called: its caller, such as a notebook, is no part of the error.

    The traceback of an error that was caught begins where it was caught, in Seedbed.
    """
    first = next((n for n, frame in enumerate(frames) if _is_within(frame[0], HERE)), None)
    return frames[first:] if first is not None else ()


def _is_users(file: str) -> bool:
    parts = Path(file).parts
    if file.startswith("<") or INSTALLED & set(parts):
        return False
    if any(part.startswith(WRITTEN_BY_TORCH) for part in parts):
        return False
    return not any(_is_within(file, folder) for folder in (*OURS, *_library()))


@cache
def _library() -> tuple[str, ...]:
    """The folders of Python's own library."""
    import sysconfig  # takes a millisecond, for what seldom happens

    paths = sysconfig.get_paths().items()
    return tuple(str(Path(path).resolve()) for name, path in paths if "lib" in name)


def _is_within(file: str, folder: str) -> bool:
    return Path(file).resolve().is_relative_to(folder)


def _place(frame: Frame) -> str:
    file, line, name = frame
    path, here = Path(file).resolve(), Path.cwd()
    near = path.relative_to(here) if path.is_relative_to(here) else path
    function = "" if name == "<module>" else f", in {name}"
    return f"{near}, line {line}{function}"
