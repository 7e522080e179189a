"""A real server that speaks S3, on the loopback, and what a test needs to look into it.

It is moto's, in a folder of its own (`tests/s3_server.txt`); `make test` installs it. The process
of the tests speaks plain HTTP with it: Arrow would leave threads in it.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, unquote
from xml.etree import ElementTree

FOLDER = Path(__file__).resolve().parents[2] / ".venv" / "s3"

MAIN = "import sys; from moto.server import main; main(sys.argv[1:])"

START_SECONDS = 60.0


@dataclass(frozen=True)
class S3Server:
    """The server.

    Args:
        port: on the loopback.
        process: that serves.
    """

    port: int
    process: "subprocess.Popen[bytes]"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """What the tools of Amazon read."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "the-secret-key",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def ask(
        self, method: str, name: str, content: bytes | None = None, query: str = ""
    ) -> bytes | None:
        """What the server answers, None for a refusal; a name is as it is, without quotes."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            headers = {"Content-Type": "application/octet-stream", "Authorization": "AWS a:b"}
            connection.request(method, f"/{quote(name)}{query}", content, headers)
            answer = connection.getresponse()
            body = answer.read()
        return body if answer.status < 300 else None

    def bucket(self, name: str) -> None:
        """Makes one, unless it is there."""
        if self.get(name) is None:
            self.ask("PUT", name)

    def put(self, name: str, content: bytes) -> None:
        assert self.ask("PUT", name, content) is not None

    def get(self, name: str) -> bytes | None:
        return self.ask("GET", name)

    def names(self, bucket: str) -> list[str]:
        """The keys of all objects of a bucket."""
        found = ElementTree.fromstring(
            self.ask("GET", bucket, query="?list-type=2&encoding-type=url")
        )
        return sorted(unquote(key.text or "") for key in found.iterfind(".//{*}Key"))

    def remove(self, name: str) -> None:
        self.ask("DELETE", name)


def missing() -> str | None:
    """Why there is no server here; None if there is one."""
    if (FOLDER / "moto").is_dir():
        return None
    return "moto is not in .venv/s3; make test installs it"


@contextmanager
def running() -> Iterator[S3Server]:
    """A server that ends with the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(FOLDER), "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", MAIN, "-H", "127.0.0.1", "-p", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, "moto ended"
                time.sleep(0.05)
        yield S3Server(port, process)
    finally:
        process.kill()
        process.wait()
