"""A server of objects for the tests of URLs."""

import os
from collections.abc import Iterator

import pytest
from support import s3_server


@pytest.fixture(scope="session")
def _server() -> Iterator[s3_server.S3Server]:
    reason = s3_server.missing()
    if reason and not os.environ.get("CI"):
        pytest.skip(reason)
    with s3_server.running() as server:
        yield server


@pytest.fixture
def s3(_server: s3_server.S3Server, monkeypatch: pytest.MonkeyPatch) -> s3_server.S3Server:
    """The server, with an empty bucket `lake`; commands of this test find it."""
    for name, value in _server.variables.items():
        monkeypatch.setenv(name, value)
    _server.bucket("lake")
    for name in _server.names("lake"):
        _server.remove(f"lake/{name}")
    return _server
