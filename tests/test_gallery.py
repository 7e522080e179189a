"""The pictures of the gallery are those that its commands draw."""

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")


def test_each_picture_stands_below_the_command_that_draws_it():
    spec = importlib.util.spec_from_file_location("make_gallery", ROOT / "docs" / "make_gallery.py")
    gallery = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gallery)
    drawn = [gallery.output(words) for words in gallery.commands(PAGE)]
    shown = re.findall(r"!\[[^\]]+\]\(images/gallery/([^)]+)\)", PAGE)
    assert shown == [name for name in drawn if name is not None and name.endswith(".png")]
    files = {path.name for path in (ROOT / "docs" / "images" / "gallery").iterdir()}
    assert files == set(shown)
