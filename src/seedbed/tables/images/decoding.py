"""One image file as an array of levels; each form that images have is read by one rule.

Everything becomes 8 bits a channel, grey or red, green and blue. A camera's orientation is applied;
what is transparent is laid on white, as a page shows it; of 16 bits the upper 8 are taken; palettes
and CMYK become colours as Pillow makes them; colours become grey by ITU-R 601-2. What has no one
meaning is refused: several pictures in a file, real numbers.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from seedbed.tables.images.pixels import Levels

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Of Pillow's, those that are pictures and are read without another program."""

GREY = ("1", "L", "LA", "La", "I", "F")
"""Modes without colours, beside those of 16 bits."""

WHITE = (255, 255, 255, 255)

SIXTEEN = 2**16

DEEP = re.compile(r";16[BLNRS]?$")
"""How Pillow's names of what is written end where a channel has 16 bits."""

FEW_BITS = {"L;2": 85, "L;4": 17}
"""Greys of 2 and 4 bits, and the level that each step of them is loaded as."""


class Undecodable(Exception):
    """An image that cannot be read; the text says why, as it goes on behind the name of a file."""


@dataclass(frozen=True)
class ImageForm:
    """What images are made into.

    Args:
        size: height and width to resize to; None to leave them as they are.
        channels: 1 or 3; None for 1 if no image has colours.
    """

    size: tuple[int, int] | None
    channels: int | None


@dataclass(frozen=True)
class Decoded:
    """One image.

    Args:
        levels: (channels, height, width), from 0 to 255.
        is_transparent: whether some of it was, and is laid on white.
        is_deep: whether it had 16 bits a channel, of which the lower 8 are gone.
    """

    levels: Levels
    is_transparent: bool
    is_deep: bool


@contextmanager
def strictly() -> Iterator[None]:
    """Inside, images of more pixels than Pillow thinks safe are errors, and it warns of no others.

    The filters of warnings are the process's: enter it before threads that decode.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def has_colours(content: bytes) -> bool:
    """Whether an image is of a mode that has colours, even if all of them are grey.

    Args:
        content: of the file, of which the header is read.

    Raises:
        Undecodable: if it has none.
    """
    with _opened(content) as image:
        mode: str = image.mode
        is_grey = mode in GREY or mode.startswith("I;16") or _as_written(image).startswith("LA;")
        return not is_grey


def decoded(content: bytes, form: ImageForm) -> Decoded:
    """An image as levels.

    Args:
        content: of the file.
        form: with the number of channels.

    Raises:
        Undecodable: if it is damaged, cut short, too large, or of no single meaning.
    """
    with _opened(content) as opened:
        if opened.format != "MPO" and getattr(opened, "is_animated", False):
            raise Undecodable("holds several pictures; write each into a file of its own")
        try:
            written = _as_written(opened)
            opened.load()
            _see_transparent(opened, written)
            upright = ImageOps.exif_transpose(opened)
            return _as_levels(upright, form, was_deep=DEEP.search(written) is not None)
        except (Undecodable, MemoryError):
            raise
        except Exception as err:  # Pillow raises many kinds on damaged files
            raise Undecodable(_why(err)) from err


def _as_written(image: Image.Image) -> str:
    """How the file has its pixels, as Pillow names it, before they are loaded: `RGB;16B`."""
    tiles = getattr(image, "tile", None)
    told = tiles[0].args if tiles and image.format in ("PNG", "TIFF") else ""
    return str(told[0] if isinstance(told, tuple) and told else told)


def _see_transparent(image: Image.Image, written: str) -> None:
    """Names the level that is transparent as it was loaded; Pillow leaves it as it was written.

    Raises:
        Undecodable: for a colour of 16 bits, of which Pillow has loaded the upper 8.
    """
    transparent = image.info.get("transparency")
    if transparent is None:
        return
    if written in FEW_BITS and isinstance(transparent, int):
        image.info["transparency"] = transparent * FEW_BITS[written]
    if written.startswith("RGB;16"):
        raise Undecodable("has one transparent colour of 16 bits a channel; write it with 8")


def _as_levels(image: Image.Image, form: ImageForm, *, was_deep: bool) -> Decoded:
    """The levels of an upright image, by the rules of this module."""
    has_many = image.mode == "I" or image.mode.startswith("I;16")
    is_deep, transparent = was_deep or has_many, image.info.get("transparency")
    if has_many:
        image = _of_upper_bits(image, transparent if isinstance(transparent, int) else None)
    elif image.mode == "F":
        raise Undecodable("holds real numbers, which are no levels; data=npz takes any numbers")
    is_transparent = bool(image.has_transparency_data)
    if is_transparent:
        image, is_transparent = _on_white(image)
    if image.mode == "LAB":  # of which Pillow makes no grey at once
        image = image.convert("RGB")
    image = image.convert("L" if form.channels == 1 else "RGB")
    if form.size is not None:
        height, width = form.size
        image = image.resize((width, height), Image.Resampling.BILINEAR)
    levels = np.asarray(image, dtype=np.uint8)
    planes = levels[None] if levels.ndim == 2 else levels.transpose(2, 0, 1)
    return Decoded(planes, is_transparent, is_deep)


@contextmanager
def _opened(content: bytes) -> Iterator[Image.Image]:
    try:
        image = Image.open(BytesIO(content), formats=FORMATS)
    except MemoryError:
        raise
    except Exception as err:
        raise Undecodable(_why(err)) from err
    with image:
        yield image


def _why(err: Exception) -> str:
    """What Pillow says, in words that go on behind a file's name."""
    if isinstance(err, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return (
            f"has more than {Image.MAX_IMAGE_PIXELS:,} pixels, which Pillow takes for an attack; "
            "make it smaller"
        )
    if isinstance(err, UnidentifiedImageError):
        return f"is no image of {', '.join(FORMATS)}, or is damaged"
    said = " ".join(str(err).split())
    return f"is damaged or cut short: {said or type(err).__name__}"


def _of_upper_bits(image: Image.Image, transparent: int | None) -> Image.Image:
    levels = np.asarray(image).astype(np.int64)
    if levels.min() < 0 or levels.max() >= SIXTEEN:
        raise Undecodable("holds numbers beyond 16 bits, which are no levels")
    upper = Image.fromarray((levels >> 8).astype(np.uint8))
    if transparent is not None:
        upper.putalpha(Image.fromarray(np.where(levels == transparent, 0, 255).astype(np.uint8)))
    return upper


def _on_white(image: Image.Image) -> tuple[Image.Image, bool]:
    """The image on white, and whether white is seen through it."""
    layer = image.convert("RGBA")
    lowest, _ = layer.getchannel("A").getextrema()
    white = Image.new("RGBA", layer.size, WHITE)
    return Image.alpha_composite(white, layer), bool(lowest < 255)  # type: ignore[operator]
