"""Makes the pictures of docs/reports.md: trains a sweep, and looks at its page in Chromium.

Type .venv/bin/python docs/make_report_images.py; it takes Debian's chromium and chromium-driver.
"""

import contextlib
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

import seedbed

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import Browser, browser  # noqa: E402 - of the tests

WIDE, HIGH = 1280, 1120
FLAGS = ("--enable-unsafe-swiftshader", f"--window-size={WIDE},{HIGH}", "--hide-scrollbars")
COLOURS = 128
"""Of a picture; its file is a third as large as with all of them."""

SWEEP = (
    "data=sklearn", "data.dataset=breast_cancer", "data.split.seed=0", "optimizer=adam",
    "model.hidden=[8],[16],[32,16]", "loader.batch_size=32,64,128",
    "optimizer.lr=1e-4,3e-4,1e-3,3e-3,1e-2,3e-2,1e-1", "seed=range(0,16)", "trainer.epochs=30",
)  # fmt: skip

BRUSH = """
const picture = document.getElementById('parallel-picture');
const names = JSON.parse(document.getElementById('data').textContent).axes.map(one => one.name);
const at = name => `dimensions[${names.indexOf(name)}].constraintrange`;
document.getElementById('filter').value = 'loader.batch_size=32';
document.getElementById('filter').dispatchEvent(new Event('change'));
return Plotly.restyle(picture, {[at('optimizer.lr')]: [[-2.2, -1.4]]}).then(() => true);
"""


def report_images(folder: Path, page: Path) -> None:
    """Writes `report.png` and `report_brushed.png`.

    Args:
        folder: for the pictures.
        page: a report of the sweep above.
    """
    with tempfile.TemporaryDirectory() as profile, browser(Path(profile), *FLAGS) as window:
        window.open(page.as_uri())
        window.until("return document.body.dataset.ready")
        _take(window, "header", folder / "report.png")
        window.run(BRUSH)
        _take(window, "#choice", folder / "report_brushed.png")


def _take(window: Browser, name: str, path: Path) -> None:
    """A picture that begins at an element, in few colours."""
    place = window.run(
        "return document.querySelector(arguments[0]).getBoundingClientRect().top + scrollY", name
    )
    window.command(
        "Emulation.setDeviceMetricsOverride",
        width=WIDE, height=round(place) + 2 * HIGH, deviceScaleFactor=1, mobile=False,
    )  # fmt: skip
    window.run("return new Promise(done => setTimeout(() => done(true), 1500))")
    window.picture(path)
    with Image.open(path) as whole:
        top = max(0, round(place) - 12)
        part = whole.crop((0, top, WIDE, top + HIGH)).convert("RGB").quantize(COLOURS)
    part.save(path, optimize=True)


def main() -> None:
    """Trains in a folder that is removed again."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        with contextlib.redirect_stdout(io.StringIO()):
            sweep = seedbed.sweep(*SWEEP, directory="breast_cancer")
        report_images(ROOT / "docs" / "images", sweep.report())


if __name__ == "__main__":
    main()
