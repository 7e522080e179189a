"""Draws the pictures of `docs/gallery.md` again, by typing the commands that stand there.

    python docs/make_gallery.py

Each command runs in a folder that is removed at the end; what one writes with `--output NAME.png`
goes to `docs/images/gallery/NAME.png`. The page is the only list of commands.
"""

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
PAGE = DOCS / "gallery.md"
PICTURES = DOCS / "images" / "gallery"


def commands(page: str) -> list[list[str]]:
    """The words of each command of the page, in order, without `seedbed`."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page, flags=re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines]


def output(words: list[str]) -> str | None:
    """The picture that a command writes, if it does."""
    return words[words.index("--output") + 1] if "--output" in words else None


def main() -> None:
    """Runs every command; a failing one ends it, and the pictures before it are there."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for words in commands(PAGE.read_text(encoding="utf-8")):
            subprocess.run([sys.executable, "-m", "seedbed", *words], cwd=folder, check=True)
            picture = output(words)
            if picture is not None and picture.endswith(".png"):
                shutil.copy(Path(folder, picture), PICTURES / picture)


if __name__ == "__main__":
    main()
