"""Attacks by what stands in the place of a file: links, pipes, devices. For POSIX systems."""

import os
from pathlib import Path

from support.hostile.corpus import (
    MODEL_READERS,
    READERS,
    RERUNS,
    VIEWS,
    Attack,
    Place,
    data_of_file,
)

FILES: dict[str, Attack] = {}


def _linked(name: str, target: str) -> Attack:
    def make(place: Place) -> None:
        path = place.run / name
        path.unlink(missing_ok=True)
        path.symlink_to(target if target.startswith("/") else place.outside / target)

    return Attack(make, REFUSED_LINKS.get(name, ("resume",)))


def _piped(name: str) -> Attack:
    def make(place: Place) -> None:
        path = place.run / name
        path.unlink(missing_ok=True)
        os.mkfifo(path)

    return Attack(make, REFUSED_LINKS.get(name, ("resume",)))


REFUSED_LINKS = {
    "config.yaml": MODEL_READERS,
    "preprocessing.json": (*VIEWS, "resume"),
    "model.pth": (*VIEWS, *RERUNS),
    "status.json": RERUNS,
    "environment.json": RERUNS,
    "history.csv": ("plot", *RERUNS),
    "result.json": RERUNS,
}

EACH = ("config.yaml", "preprocessing.json", "model.pth", "status.json", "environment.json",
        "history.csv", "result.json", "loss.png", "run.log", "checkpoints/last.pt")  # fmt: skip
for one in EACH:
    FILES[f"link: {one}"] = _linked(one, "precious")
    FILES[f"pipe: {one}"] = _piped(one)
for one in ("history.csv", "model.pth", "preprocessing.json"):
    FILES[f"link to a device: {one}"] = _linked(one, "/dev/zero")
FILES["link to the passwords"] = _linked("model.pth", "/etc/passwd")


def _events(place: Place) -> Path:
    (path,) = place.run.glob("events.out.tfevents.*")
    return path


def link_for_events(place: Place) -> None:
    path = _events(place)
    path.unlink()
    path.symlink_to(place.precious)


def second_name_for_events(place: Place) -> None:
    path = _events(place)
    path.unlink()
    path.hardlink_to(place.precious)


def link_for_the_folder_of_checkpoints(place: Place) -> None:
    (place.run / "checkpoints").rename(place.outside / "elsewhere")
    (place.run / "checkpoints").symlink_to(place.outside / "elsewhere")


def link_for_the_folder_of_hydra(place: Place) -> None:
    (place.outside / ".mine.tmp").write_text("of another program")
    for path in (place.run / ".hydra").glob("*"):
        path.unlink()
    if (place.run / ".hydra").is_dir():
        (place.run / ".hydra").rmdir()
    (place.run / ".hydra").symlink_to(place.outside)


def links_for_unfinished_files(place: Place) -> None:
    """Where `write_bytes` writes first, in this process."""
    for name in ("loss.png", "status.json", "config.yaml", "history.csv", "model.pth"):
        (place.run / f".{name}.{os.getpid()}.tmp").symlink_to(place.precious)


def pipe_for_data(place: Place) -> None:
    os.mkfifo(place.run / "rows.csv")
    data_of_file(place, "csv", place.run / "rows.csv")


def folders_for_files(place: Place) -> None:
    for name in ("model.pth", "preprocessing.json", "history.csv", "loss.png", "status.json"):
        (place.run / name).unlink()
        (place.run / name).mkdir()


FILES |= {
    "link: events": Attack(link_for_events, ("resume",)),
    "second name: events": Attack(second_name_for_events, ("resume",)),
    "link: checkpoints": Attack(link_for_the_folder_of_checkpoints, ("resume",)),
    "link: .hydra": Attack(link_for_the_folder_of_hydra, ("resume",)),
    "links: unfinished files": Attack(links_for_unfinished_files, ("resume",)),
    "pipe: data": Attack(pipe_for_data, RERUNS),
    "folders for files": Attack(folders_for_files, READERS),
}
