"""A real browser: headless Chromium, spoken to in the WebDriver protocol of the W3C."""

import base64
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-proxy-server", "--window-size=1500,1100", "--webgl-antialiasing-mode=none",
]  # fmt: skip

WHOLE_TEXT = """
const parts = [];
(function walk(node) {
    if (node.nodeType === Node.TEXT_NODE) parts.push(node.textContent);
    if (['SCRIPT', 'STYLE', 'TEMPLATE'].includes(node.nodeName)) return;
    if (node.shadowRoot) walk(node.shadowRoot);
    node.childNodes.forEach(walk);
})(document.body);
return parts.join('').replace(/\\s+/g, ' ');
"""
"""Of the page and of the shadow trees in it, which TensorBoard is built of."""

direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Asks this machine itself, whatever proxy the environment names."""


class Browser:
    """One window.

    Args:
        session: address of its session at the driver.
    """

    def __init__(self, session: str) -> None:
        self.session = session

    def open(self, address: str) -> None:
        """Goes to a page."""
        ask(f"{self.session}/url", {"url": address})

    def text(self) -> str:
        """All text of the page."""
        told: str = ask(f"{self.session}/execute/sync", {"script": WHOLE_TEXT, "args": []})
        return told

    def text_with(self, words: list[str], seconds: float = 200) -> str:
        """All text of the page, once the words are there or the time is over."""
        until = time.monotonic() + seconds
        while any(word not in (text := self.text()) for word in words):
            if time.monotonic() > until:
                break
            time.sleep(0.2)
        return text

    def run(self, script: str, *args: Any) -> Any:
        """What a script of the page gives back."""
        return ask(f"{self.session}/execute/sync", {"script": script, "args": list(args)})

    def until(self, script: str, seconds: float = 200) -> Any:
        """What a script gives back once that is true; it fails where it never is."""
        end = time.monotonic() + seconds
        while not (told := self.run(script)):
            if time.monotonic() > end:
                pytest.fail(f"never true in the page: {script}")
            time.sleep(0.05)
        return told

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Presses the mouse at a place of the page, moves it, and lets it go."""
        moves = [_move(start, 0), {"type": "pointerDown", "button": 0}]
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        moves += [_move(middle, 100), _move(end, 100), {"type": "pointerUp", "button": 0}]
        pointer = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        ask(f"{self.session}/actions", {"actions": [{**pointer, "actions": moves}]})

    def log(self, kind: str) -> list[dict[str, Any]]:
        """What was logged since it was last asked: `browser`, or `performance`."""
        told: list[dict[str, Any]] = ask(f"{self.session}/se/log", {"type": kind})
        return told

    def command(self, name: str, **params: Any) -> Any:
        """What a command of the DevTools protocol gives back."""
        return ask(f"{self.session}/goog/cdp/execute", {"cmd": name, "params": params})

    def picture(self, path: Path) -> None:
        """Writes what is to be seen as a PNG."""
        path.write_bytes(base64.b64decode(ask(f"{self.session}/screenshot")))

    @contextmanager
    def new_window(self) -> Iterator["Browser"]:
        """A window as of an empty profile, closed at the end: nothing is stored, and none cached.

        Until then whatever is asked of the browser is asked of it.
        """
        before = ask(f"{self.session}/window")
        handle = ask(f"{self.session}/window/new", {"type": "tab"})["handle"]
        ask(f"{self.session}/window", {"handle": handle})
        try:
            self.command("Storage.clearDataForOrigin", origin="*", storageTypes="all")
            self.command("Network.clearBrowserCache")
            yield self
        finally:
            ask(f"{self.session}/window", method="DELETE")
            ask(f"{self.session}/window", {"handle": before})


def _move(place: tuple[float, float], milliseconds: int) -> dict[str, Any]:
    x, y = (round(at) for at in place)
    return {"type": "pointerMove", "duration": milliseconds, "x": x, "y": y}


@contextmanager
def browser(profile: Path, *flags: str) -> Iterator[Browser]:
    """A window with an empty profile, closed at the end.

    Args:
        profile: folder of it.
        flags: of Chromium, beside our own; of two that are the same the last counts.
    """
    with (
        tempfile.TemporaryFile("w+") as said,
        subprocess.Popen(
            [str(DRIVER), "--port=0"],
            stdout=said,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as driver,
    ):
        try:
            address = f"http://127.0.0.1:{_port(said)}"
            options = {
                "binary": str(CHROMIUM),
                "args": [*FLAGS, *flags, f"--user-data-dir={profile}"],
            }
            logs = {"browser": "ALL", "performance": "ALL"}
            wanted = {"alwaysMatch": {"goog:chromeOptions": options, "goog:loggingPrefs": logs}}
            session = ask(f"{address}/session", {"capabilities": wanted})["sessionId"]
            yield Browser(f"{address}/session/{session}")
            ask(f"{address}/session/{session}", method="DELETE")
        finally:
            os.killpg(driver.pid, signal.SIGKILL)  # the driver and its browsers


def _port(said: IO[str], seconds: float = 200) -> int:
    """The driver says `ChromeDriver was started successfully on port 12345.`"""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        said.seek(0)
        if found := re.search(r"successfully on port (\d+)", said.read()):
            return int(found[1])
        time.sleep(0.05)
    pytest.fail("chromedriver does not start here")


def ask(address: str, content: Any = None, method: str | None = None) -> Any:
    """The `value` that the driver answers with."""
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(address, data, method=method)
    request.add_header("Content-Type", "application/json")
    try:
        with direct.open(request, timeout=200) as answer:
            return json.load(answer)["value"]
    except OSError as err:  # of the driver: refused, in vain, or not in time
        pytest.fail(f"Chromium does not work here: {err}")
