"""What a URL may be: which schemes there are, and what is refused before anything is asked of it.

A URL is told from a path by `://` alone, so whatever has none costs nothing more than that look.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from seedbed.config.hints import did_you_mean, joined
from seedbed.runs.files import UNPRINTABLE, printable

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)(::|://)")
"""Two letters or more: `C://` is a drive."""

ARROWS = {"s3": "s3", "gs": "gs", "gcs": "gs"}
"""Those that Arrow has, which is installed in any case."""

FSSPECS = {"abfs": "adlfs", "abfss": "adlfs", "az": "adlfs", "hf": "huggingface_hub",
           "http": "aiohttp", "https": "aiohttp", "sftp": "paramiko", "memory": ""}  # fmt: skip
"""Those that fsspec has, and what has to be installed for them; nothing for `memory`."""

FILE = "file"
SCHEMES = (*ARROWS, *FSSPECS, FILE)

STORES = ("s3", "gs", "gcs", "abfs", "abfss", "az")
"""Where a run can be kept: they replace an object whole or not at all."""

SECRETS = re.compile(
    r"(x-amz-|x-goog-|x-ms-)|(^|[_-])(sig|signature|token|key|secret|password|auth)([_-]|id$|$)",
    re.IGNORECASE,
)
"""Names in the query of a URL that lets in whoever has it."""

LONGEST_KEY = 1024
"""Bytes of an object's name; S3 and Google take no more."""


class WrongUrl(ValueError):
    """A URL that cannot be used; says why, without what is secret in it."""


@dataclass(frozen=True)
class Url:
    """Where something lies.

    Args:
        scheme: one of `SCHEMES`.
        place: the rest: bucket and key, host and path.
    """

    scheme: str
    place: str

    def __str__(self) -> str:
        return f"{self.scheme}://{self.place}"

    @property
    def name(self) -> str:
        """Its last part, as a file would be named."""
        path = urlsplit(str(self)).path if self.scheme.startswith("http") else self.place
        return path.rstrip("/").rpartition("/")[2]

    def below(self, name: str) -> "Url":
        """Something below it."""
        return Url(self.scheme, f"{self.place}/{name}")

    @property
    def above(self) -> "Url":
        """What it lies in; a bucket itself."""
        return Url(self.scheme, self.place.rpartition("/")[0] or self.place)


def is_url(text: object) -> bool:
    """Whether it is one, or a chain of them as fsspec takes it; no path begins so."""
    return isinstance(text, str) and ":" in text and SCHEME.match(text) is not None


def parsed(text: str) -> Url:
    """A URL in its parts.

    Raises:
        WrongUrl: if it is none that can be used.
    """
    found = SCHEME.match(text)
    if found is None:
        raise WrongUrl(f"'{printable(text)}' is no URL")
    scheme, place = found[1].lower(), text[found.end() :]
    if found[2] == "::":
        raise WrongUrl(
            f"'{scheme}::…' chains file systems, which is not taken; name the file's URL"
        )
    if scheme not in SCHEMES:
        hint = did_you_mean(scheme, SCHEMES) or f"; there are {joined(SCHEMES)}"
        raise WrongUrl(f"'{scheme}://…' is no kind of URL that can be read{hint}")
    if "@" in place.partition("/")[0] and scheme not in ("abfs", "abfss", "az"):
        rest = place.partition("@")[2]
        raise WrongUrl(
            f"'{scheme}://…@{printable(rest)}' has a user or a password in it, which would be "
            f"written into config.yaml; leave it out, and {_credentials(scheme)}"
        )
    if UNPRINTABLE.search(place):
        raise WrongUrl(f"'{scheme}://{printable(place)}' has control characters in it")
    if scheme.startswith("http"):
        return _web(scheme, place)
    return Url(scheme, place) if scheme == FILE else _stored(scheme, place)


def _stored(scheme: str, place: str) -> Url:
    """Of a store, where every character of a name stands for itself."""
    shown = f"'{scheme}://{place}'"
    place = place.lstrip("/") if scheme == "memory" else place
    parts = place.split("/")
    if not place:
        raise WrongUrl(f"{shown} names nothing; type {scheme}://BUCKET/NAME")
    if "" in parts or "." in parts or ".." in parts:
        odd = next(one for one in parts if one in ("", ".", ".."))
        what = f"a part '{odd}'" if odd else "an empty part: '//', or '/' at its beginning or end"
        raise WrongUrl(f"{shown} has {what}; to a store that is another object, or none")
    if len(place.partition("/")[2].encode()) > LONGEST_KEY:
        raise WrongUrl(f"{shown[:80]}…' is longer than {LONGEST_KEY} bytes, as no object is")
    return Url(scheme, place)


def _web(scheme: str, place: str) -> Url:
    """Of a web server; a link that lets in whoever has it is a password."""
    split = urlsplit(f"{scheme}://{place}")
    named = [one.partition("=")[0] for one in split.query.split("&")]
    secret = next((one for one in named if SECRETS.search(one)), None)
    if secret is not None:
        raise WrongUrl(
            f"'{scheme}://{split.netloc}{split.path}?…' has '{printable(secret)}' in its query, "
            "which lets in whoever reads config.yaml; download it, and name the file"
        )
    if not split.netloc or not split.path.strip("/"):
        raise WrongUrl(f"'{scheme}://{place}' names no file; type {scheme}://HOST/FILE.csv")
    return Url(scheme, place)


def _credentials(scheme: str) -> str:
    if scheme == "s3":
        return "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if scheme in ARROWS:
        return "set GOOGLE_APPLICATION_CREDENTIALS"
    return "let the environment or the settings of your tools hold it"


def local_path(url: Url) -> Path:
    """Of `file:`, whose characters may be written as `%20` and the like. Source: RFC 8089.

    Raises:
        WrongUrl: if it names another host, or no whole path.
    """
    host, slash, path = url.place.partition("/")
    if host not in ("", "localhost") or not slash or not path:
        raise WrongUrl(
            f"'{printable(str(url))}' must be a whole path of this machine; type file:///FOLDER/"
            f"FILE, or the path alone"
        )
    return Path("/" + unquote(path))


def needs(scheme: str) -> str:
    """What to type where the package of a scheme is not installed."""
    package = FSSPECS.get(scheme, "")
    return f"{scheme}:// needs {package}; type pip install {package}"
