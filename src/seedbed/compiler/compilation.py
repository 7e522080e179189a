"""The system's C compiler: makes a library of a text, once for all processes that ask for it."""

import hashlib
import os
import shlex
import shutil
import subprocess
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

try:
    import fcntl
except ImportError:  # Windows locks files otherwise, and torch's library there has no MKL in it
    fcntl = None  # type: ignore[assignment]

from seedbed.compiler.kept import forget_wanted, is_whole, keep, kept_folder, used, wanted

FLAGS = (
    "-O2", "-ftree-vectorize", "-fvect-cost-model=dynamic", "-march=native", "-ffp-contract=off",
    "-fno-fast-math", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared", "-w",
    "-nostartfiles",
)  # fmt: skip
"""None of these changes what a number is rounded to; what `$CC` says of that does not hold.

Start files are left out, as among those of `-ffast-math` there is one by which loading a library
has the processor round the smallest numbers to 0, torch's too.
"""

LONGEST = 60.0
"""Seconds that a compiler may take."""

LONGEST_END = 2.0
"""Seconds that it may take to end when it is told to."""


class CompilerError(Exception):
    """There is no compiler, or it failed; the text says which."""


def command() -> list[str]:
    """The compiler's words: `$CC`, or `cc`.

    Raises:
        CompilerError: if there is none.
    """
    if fcntl is None:
        raise CompilerError("steps are compiled on Linux alone")
    told = os.environ.get("CC", "")
    words = shlex.split(told) or ["cc"]
    found = shutil.which(words[0])
    if found is None:
        missing = f"CC={told} is no program" if told else "there is no C compiler: no 'cc' on PATH"
        raise CompilerError(f"{missing}; install gcc or clang, or name one with CC")
    return [found, *words[1:]]


def check() -> None:
    """Has a line compiled.

    Raises:
        CompilerError: if there is no compiler, or it does not.
    """
    words = [*command(), *FLAGS, "-xc", "-", "-o", os.devnull]
    with suppress(OSError, subprocess.TimeoutExpired):
        line = b"int one(void) { return 1; }\n"
        done = subprocess.run(words, input=line, capture_output=True, timeout=LONGEST)
        if not done.returncode:
            return
    raise CompilerError(f"the C compiler {' '.join(command())} fails; name another with CC")


class Compilation:
    """A library that is there, is being made here, or by another process.

    Args:
        text: in C.

    Raises:
        CompilerError: if there is no compiler, or no folder to keep the library in.
    """

    def __init__(self, text: str) -> None:
        self._text, self._words = text, command()
        folder = kept_folder()
        if folder is None:
            raise CompilerError("no folder for compiled steps is yours alone; set XDG_CACHE_HOME")
        self.path = folder / f"{_name(text, self._words)}.so"
        self._source = self.path.with_suffix(".c")
        self._made = self.path.with_suffix(f".{os.getpid()}-{id(self)}.part")
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    def found(self) -> Path | None:
        """The library, if it is there."""
        if not is_whole(self.path):
            return None
        used(self.path)
        return self.path

    def wanted(self, seconds: float) -> float:
        """Notes what the library would have saved; what it would have in all, until now."""
        return wanted(self.path, seconds)

    def advance(self) -> Path | None:
        """The library, if it is there by now; the compiler is started unless it runs already.

        Raises:
            CompilerError: if it failed.
        """
        if self._process is None:
            return self.found() or (self._begun() if self._locked() else None)
        if self._process.poll() is None:
            return None
        self._end()
        return self.path

    def wait(self) -> Path:
        """The library.

        Raises:
            CompilerError: if the compiler failed, or takes too long.
        """
        until = time.monotonic() + LONGEST
        while time.monotonic() < until:
            if found := self.advance():
                return found
            time.sleep(0.01)
        self.stop()
        raise CompilerError(f"the C compiler takes longer than {LONGEST:.0f} s")

    def stop(self, *, seconds: float = 0.0) -> None:
        """Ends a compiler whose library is not needed here any more.

        Args:
            seconds: that it may still take: other sweeps are to have what is begun.
        """
        with suppress(CompilerError):
            if self._process is not None and self._ends_within(seconds):
                self._end()
        if self._process is not None:
            self._process.terminate()  # it removes what it made on the way
            if not self._ends_within(LONGEST_END):
                self._process.kill()
                self._process.wait()
        self._clear()

    def _ends_within(self, seconds: float) -> bool:
        assert self._process is not None
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
            return True
        return False

    def _locked(self) -> bool:
        """Whether it is for this process to compile."""
        try:
            self._lock = os.open(self._source, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._clear()
            return False
        except OSError as err:
            self._clear()
            raise CompilerError(f"compiled steps cannot be kept: {err.strerror}") from err
        return True

    def _begun(self) -> Path | None:
        """Starts the compiler, unless another process ended in the meantime."""
        found = self.found()
        if found is None:
            self._start()
        else:
            self._clear()
        return found

    def _start(self) -> None:
        words = [*self._words, *FLAGS, "-o", str(self._made), str(self._source), "-lm"]
        try:
            self._source.write_text(self._text, encoding="ascii")
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "TMPDIR": str(self.path.parent)},
                start_new_session=True,  # Ctrl-C is for the training, which ends it
            )
            forget_wanted(self.path)
        except OSError as err:
            self._clear()
            raise CompilerError(f"the C compiler cannot be started: {err.strerror}") from err

    def _end(self) -> None:
        assert self._process is not None
        code = self._process.returncode
        try:
            if code:
                raise CompilerError(f"the C compiler {self._words[0]} ends with {code}")
            keep(self._made, self.path)
        except OSError as err:
            raise CompilerError(f"compiled steps cannot be kept: {err.strerror}") from err
        finally:
            self._clear()

    def _clear(self) -> None:
        self._process = None
        with suppress(OSError):
            self._made.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _name(text: str, words: list[str]) -> str:
    """Of all that a library is made of."""
    compiler = [(one, _stamp(one)) for one in words]
    made_of = [text, FLAGS, compiler, torch.__version__, _processor()]
    return hashlib.sha256(repr(made_of).encode()).hexdigest()[:32]


def _stamp(word: str) -> tuple[int, int] | None:
    """What changes where a compiler is another one; asking it would take a process."""
    try:
        found = Path(shutil.which(word) or word).stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


@cache
def _processor() -> str:
    """Its kind, and what it can do."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = list(os.uname())
    kinds = ("model name", "flags", "Features", "CPU part")
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(kinds)))
