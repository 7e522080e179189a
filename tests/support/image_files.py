"""Small image files of three classes, which a convolution tells apart."""

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("cross", "disc", "square")


def picture(kind: str, drawn: np.random.Generator, size: int) -> Image.Image:
    """A shape of one colour on another, with noise."""
    down, across = np.mgrid[:size, :size] - drawn.uniform(0.4, 0.6, 2)[:, None, None] * size
    radius = drawn.uniform(0.25, 0.4) * size
    inside = {
        "disc": down**2 + across**2 < radius**2,
        "square": np.maximum(abs(down), abs(across)) < 0.85 * radius,
        "cross": (np.minimum(abs(down), abs(across)) < 0.3 * radius)
        & (np.maximum(abs(down), abs(across)) < radius),
    }[kind]
    ground, figure = drawn.uniform(0, 100, 3), drawn.uniform(155, 255, 3)
    levels = np.where(inside[..., None], figure, ground) + drawn.normal(0, 10, (size, size, 3))
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def write_shapes(folder: Path, images: int, size: int = 12) -> Path:
    """So many images, each in the folder of its class; the classes take turns."""
    drawn = np.random.default_rng(0)
    for number in range(images):
        kind = CLASSES[number % 3]
        (folder / kind).mkdir(parents=True, exist_ok=True)
        picture(kind, drawn, size).save(folder / kind / f"{number:04d}.png")
    return folder


def write_table(folder: Path, images: int, size: int = 12) -> Path:
    """As `write_shapes`, named by a table with numbers and labels beside the names."""
    write_shapes(folder, images, size)
    files = sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*.png"))
    lines = [
        f"{name},{name.partition('/')[0]},{number / 10},{int(number % 2)},{number % 3 + 1}"
        for number, name in enumerate(files)
    ]
    table = folder / "labels.csv"
    table.write_text("\n".join(["picture,kind,weight,round,counts", *lines, ""]))
    return table
