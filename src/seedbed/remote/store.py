"""A store of objects: looked at, read, written whole; the only module with `pyarrow.fs` and fsspec.

S3 and Google are spoken to by Arrow, which is installed in any case and keeps no listings; the
rest by fsspec. Nothing here is imported before there is a URL, and but for `memory:` only in a
process of its own (`carrier.py`): both leave threads behind, and no process with threads is forked.
"""

import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import pyarrow.fs as pafs

from seedbed.remote.urls import ARROWS, Url, needs
from seedbed.runs.files import printable

CONNECT_SECONDS, ANSWER_SECONDS, TRIES = 10, 20, 2
"""How long a store may take to answer, and how often it is asked again at once."""

PIECE = 8 * 2**20
"""Bytes of an object that are held at once."""

SETTLED_SECONDS = 60.0
"""An object that was written later may be written again within the tick of the store's clock."""

WORDS = {
    "ACCESS_DENIED": "access is denied",
    "AccessDenied": "access is denied",
    "PERMISSION_DENIED": "access is denied",
    "AuthorizationPermissionMismatch": "access is denied",
    "INVALID_ACCESS_KEY_ID": "the access key is not known there",
    "SIGNATURE_DOES_NOT_MATCH": "the secret key is not that of the access key",
    "NO_SUCH_BUCKET": "there is no such bucket",
    "NETWORK_CONNECTION": "it cannot be reached",
    "REQUEST_TIMEOUT": "it did not answer in time",
    "SLOW_DOWN": "it asks to be asked less often",
}
"""What Arrow and the tools of Google and Azure say of a store, in words."""


class StoreError(Exception):
    """A store that does not do what it is asked; says why in one line.

    Args:
        problem: names the URL.
        passing: whether it may be over later, as a lost connection is.
    """

    def __init__(self, problem: str, *, passing: bool = False) -> None:
        super().__init__(problem)
        self.passing = passing


@dataclass(frozen=True)
class Stored:
    """An object as a store tells of it.

    Args:
        size: bytes; None where that is not told.
        stamp: nanoseconds, when it was written, by the store's clock; None where that is not told.
    """

    size: int | None
    stamp: int | None

    @property
    def is_settled(self) -> bool:
        """Whether another version of it would be told otherwise."""
        return self.stamp is not None and time.time() - self.stamp / 1e9 > SETTLED_SECONDS


class Store:
    """The store that has a URL.

    Args:
        url: any of it.

    Raises:
        StoreError: if what its scheme needs is not installed, or it cannot be opened.
    """

    def __init__(self, url: Url) -> None:
        self.scheme = url.scheme
        with _told(url):
            self._fs = _file_system(url)

    def look(self, url: Url) -> Stored | None:
        """What there is of an object; None if there is none.

        Raises:
            StoreError: if that is not to be known.
        """
        with _told(url):
            (found,) = self._fs.get_file_info([self._name(url)])
        return _stored(found) if found.type == pafs.FileType.File else None

    def below(self, url: Url, *, deep: bool = True) -> dict[str, Stored]:
        """All objects below a URL, by their names from there on.

        Raises:
            StoreError: if that is not to be known.
        """
        name = self._name(url)
        with _told(url):
            found = self._fs.get_file_info(pafs.FileSelector(name, True, deep))
        start = len(name.strip("/")) + 1
        return {
            one.path.lstrip("/")[start:]: _stored(one)
            for one in found
            if one.type == pafs.FileType.File
        }

    def has_bucket(self, url: Url) -> bool:
        """Whether what a URL begins with is there.

        Raises:
            StoreError: if that is not to be known.
        """
        with _told(url):
            (found,) = self._fs.get_file_info([url.place.partition("/")[0]])
        return bool(found.type != pafs.FileType.NotFound)

    def pieces(self, url: Url, most: float = float("inf")) -> Iterator[bytes]:
        """The content of an object, one piece after the other.

        Args:
            url: of the object.
            most: bytes; more are refused.

        Raises:
            StoreError: if it cannot be read, or is longer.
        """
        size = 0
        with _told(url), self._fs.open_input_stream(self._name(url), compression=None) as stream:
            while piece := stream.read(PIECE):
                size += len(piece)
                if size > most:
                    raise StoreError(f"'{url}' has more than {most:.0f} bytes")
                yield piece

    def content(self, url: Url, most: int) -> bytes:
        """All of a small object; errors as `pieces`."""
        return b"".join(self.pieces(url, most))

    def write(self, url: Url, file: int) -> None:
        """Puts an object in its place, whole: readers see the old or the new.

        Args:
            url: of the object.
            file: number of the open file that has its content.

        Raises:
            StoreError: if it cannot be written; the old one stays.
        """
        size = os.fstat(file).st_size
        self.write_bytes(url, mmap.mmap(file, size, access=mmap.ACCESS_READ) if size else b"")

    def write_bytes(self, url: Url, content: "bytes | mmap.mmap") -> None:
        """As `write`."""
        # In no `with`: that would end the object where what was written of it is not all.
        with _told(url):
            stream = self._fs.open_output_stream(self._name(url), compression=None)
            for start in range(0, len(content), PIECE):
                stream.write(content[start : start + PIECE])
            stream.close()

    def remove(self, url: Url) -> None:
        """Takes an object away.

        Raises:
            StoreError: if that is refused.
        """
        with _told(url):
            self._fs.delete_file(self._name(url))

    def _name(self, url: Url) -> str:
        return str(url) if self.scheme.startswith("http") else url.place


@cache
def store_of(scheme: str, place: str) -> Store:
    """The store of a scheme and a bucket or host, opened once a process."""
    return Store(Url(scheme, place))


def store(url: Url) -> Store:
    """The store that has a URL.

    Raises:
        StoreError: as `Store`.
    """
    return store_of(url.scheme, url.place.partition("/")[0])


def _file_system(url: Url) -> pafs.FileSystem:
    scheme = ARROWS.get(url.scheme)
    if scheme == "s3":
        return _s3(url.place.partition("/")[0])
    if scheme == "gs":
        from datetime import timedelta

        return pafs.GcsFileSystem(retry_time_limit=timedelta(seconds=ANSWER_SECONDS))
    import fsspec

    try:
        # No listing is kept: another process may have written since.
        found = fsspec.filesystem(url.scheme, use_listings_cache=False, skip_instance_cache=True)
    except ImportError as err:
        raise StoreError(f"'{url}': {needs(url.scheme)}") from err
    return pafs.PyFileSystem(pafs.FSSpecHandler(found))


def _s3(bucket: str) -> pafs.FileSystem:
    """As the tools of Amazon find keys, and by their variables: region, endpoint, without keys."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint is None and region is None:
        region = pafs.resolve_s3_region(bucket)
    return pafs.S3FileSystem(
        anonymous=os.environ.get("AWS_NO_SIGN_REQUEST", "").lower() in ("1", "yes", "true"),
        endpoint_override=endpoint,
        region=region,
        connect_timeout=CONNECT_SECONDS,
        request_timeout=ANSWER_SECONDS,
        retry_strategy=pafs.AwsStandardS3RetryStrategy(max_attempts=TRIES),
        allow_delayed_open=True,  # small objects in one request
    )


def _stored(found: pafs.FileInfo) -> Stored:
    stamp = found.mtime_ns
    return Stored(found.size, stamp if isinstance(stamp, int) and stamp > 0 else None)


@contextmanager
def _told(url: Url) -> Iterator[None]:
    """Turns what libraries raise into a line that names the URL."""
    try:
        yield
    except StoreError:
        raise
    except FileNotFoundError as err:
        raise StoreError(f"no object '{url}'") from err
    except Exception as err:  # of any library
        said = " ".join(str(err).split()) or type(err).__name__
        code = next((code for code in WORDS if code in said), None)
        reason = WORDS[code] if code else _short(said)
        passing = code in ("NETWORK_CONNECTION", "REQUEST_TIMEOUT", "SLOW_DOWN") or code is None
        raise StoreError(f"'{url}': {reason}", passing=passing) from err


def _short(said: str) -> str:
    """What a library says, without the number of the request."""
    return printable(said.partition(" (Request ID")[0])[:200]
