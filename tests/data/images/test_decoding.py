"""Every form of image becomes levels by one rule, which Pillow's own conversions confirm."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from seedbed.tables.images.decoding import ImageForm, Undecodable, decoded, has_colours, strictly

DRAWN = np.random.default_rng(0)
COLOURS = Image.fromarray(DRAWN.integers(0, 256, (9, 7, 3), dtype=np.uint8))
ALPHA = Image.fromarray(DRAWN.integers(0, 256, (9, 7), dtype=np.uint8))
DEEP = DRAWN.integers(0, 2**16, (9, 7), dtype=np.uint16)


def file(image: Image.Image, kind: str = "PNG", **more: object) -> bytes:
    content = BytesIO()
    image.save(content, kind, **more)
    return content.getvalue()


def levels(content: bytes, channels: int = 3, size: tuple[int, int] | None = None) -> np.ndarray:
    with strictly():
        return decoded(content, ImageForm(size, channels)).levels


def pillows(image: Image.Image, channels: int = 3) -> np.ndarray:
    """Pillow's own conversion, channels first."""
    array = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)


def transparent() -> Image.Image:
    image = COLOURS.copy()
    image.putalpha(ALPHA)
    return image


def on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGB", image.size, "white")
    white.paste(image.convert("RGB"), mask=image.convert("RGBA").getchannel("A"))
    return white


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    ("image", "kind"),
    [
        pytest.param(COLOURS, "PNG", id="colours"),
        pytest.param(COLOURS.convert("L"), "BMP", id="grey"),
        pytest.param(COLOURS.convert("1"), "PNG", id="black and white"),
        pytest.param(COLOURS.quantize(16), "GIF", id="palette"),
        pytest.param(COLOURS.convert("YCbCr"), "TIFF", id="YCbCr"),
        pytest.param(COLOURS.convert("CMYK"), "TIFF", id="CMYK"),
        pytest.param(COLOURS, "WEBP", id="lossy"),
        pytest.param(COLOURS.convert("CMYK"), "JPEG", id="CMYK of a JPEG"),
    ],
)
def test_levels_are_those_of_pillows_conversion(
    image: Image.Image, kind: str, channels: int
) -> None:
    content = file(image, kind)
    expected = pillows(Image.open(BytesIO(content)), channels)
    assert np.array_equal(levels(content, channels), expected)


def test_the_grey_of_a_lab_image_is_that_of_its_colours() -> None:
    content = file(Image.new("LAB", (4, 4), (90, 9, 200)), "TIFF")
    colours = Image.open(BytesIO(content)).convert("RGB")
    assert np.array_equal(levels(content, 3), pillows(colours))
    assert np.array_equal(levels(content, 1), pillows(colours, 1))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_lies_on_white(mode: str) -> None:
    image = transparent().convert(mode) if mode != "P" else COLOURS.quantize(16)
    content = file(image, transparency=3) if mode == "P" else file(image)
    found = levels(content).astype(int)
    expected = pillows(on_white(Image.open(BytesIO(content)).convert("RGBA"))).astype(int)
    assert abs(found - expected).max() <= 1  # both round
    assert decoded(content, ImageForm(None, 3)).is_transparent


def test_a_picture_that_is_opaque_throughout_is_told_as_such() -> None:
    image = COLOURS.convert("RGBA")
    assert not decoded(file(image), ImageForm(None, 3)).is_transparent
    assert np.array_equal(levels(file(image)), pillows(COLOURS))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_of_sixteen_bits_the_upper_eight_are_taken(kind: str) -> None:
    content = file(Image.fromarray(DEEP), kind)
    assert np.array_equal(levels(content, 1)[0], DEEP // 256)
    assert decoded(content, ImageForm(None, 1)).is_deep
    assert not has_colours(content)


def png(values: np.ndarray, bits: int, kind: int, transparent: tuple[int, ...] = ()) -> bytes:
    """A file of forms that Pillow does not write; `values` are (height, width, …) whole numbers."""
    height, width = values.shape[:2]
    if bits < 8:
        each = np.unpackbits(values.astype(np.uint8)[..., None], axis=2)[..., 8 - bits :]
        rows = np.packbits(each.reshape(height, -1), axis=1)
    else:
        rows = values.astype(f">u{bits // 8}").reshape(height, -1).view(np.uint8)
    pixels = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    chunks = {b"IHDR": struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)}
    if transparent:
        chunks[b"tRNS"] = np.array(transparent, dtype=">u2").tobytes()
    chunks |= {b"IDAT": pixels, b"IEND": b""}
    written = b"\x89PNG\r\n\x1a\n"
    for name, held in chunks.items():
        told = struct.pack(">I", len(held)) + name + held
        written += told + struct.pack(">I", zlib.crc32(name + held))
    return written


def test_a_deep_file_with_colours_or_transparency_is_told_as_such() -> None:
    colours = decoded(png(np.stack([DEEP] * 3, axis=2), 16, 2), ImageForm(None, 3))
    assert colours.is_deep
    assert np.array_equal(colours.levels[1], DEEP // 256)
    alpha = np.where(DEEP < 2**15, 0, 2**16 - 1)
    content = png(np.stack([DEEP, alpha], axis=2), 16, 4)
    assert not has_colours(content)
    grey = decoded(content, ImageForm(None, 1))
    assert grey.is_deep
    assert grey.is_transparent
    assert np.array_equal(grey.levels[0], np.where(alpha == 0, 255, DEEP // 256))


@pytest.mark.parametrize(("bits", "step"), [(2, 85), (4, 17), (8, 1), (16, 1 / 256)])
def test_a_transparent_level_lies_on_white_whatever_the_bits(bits: int, step: float) -> None:
    values = DEEP & (2**bits - 1)
    level = int(values[2, 3])
    found = decoded(png(values, bits, 0, (level,)), ImageForm(None, 1))
    expected = np.where(values == level, 255, np.floor(values * step))
    assert found.is_transparent
    assert np.array_equal(found.levels[0], expected)


@pytest.mark.parametrize(
    ("number", "upright"),
    [
        (1, lambda x: x),
        (2, lambda x: x[:, ::-1]),
        (3, lambda x: x[::-1, ::-1]),
        (4, lambda x: x[::-1]),
        (5, lambda x: x.swapaxes(0, 1)),
        (6, lambda x: np.rot90(x, -1)),
        (7, lambda x: x[::-1, ::-1].swapaxes(0, 1)),
        (8, lambda x: np.rot90(x)),
    ],
)
def test_a_cameras_orientation_is_applied(number: int, upright) -> None:
    # Exif 2.32, tag 0x0112: which side of the picture the first row and the first column are.
    exif = Image.Exif()
    exif[0x0112] = number
    expected = upright(np.asarray(COLOURS)).transpose(2, 0, 1)
    assert np.array_equal(levels(file(COLOURS, exif=exif)), expected)


@pytest.mark.parametrize("size", [(18, 14), (5, 4), (3, 20)])
def test_resizing_is_linear_and_smooths_what_gets_smaller(size: tuple[int, int]) -> None:
    found = levels(file(COLOURS), size=size).astype(float)
    x = torch.from_numpy(pillows(COLOURS).astype(np.float32))[None]
    expected = torch.nn.functional.interpolate(x, size, mode="bilinear", antialias=True)[0]
    assert abs(found - expected.numpy()).max() <= 1  # Pillow rounds between rows and columns


def jpeg() -> bytes:
    return file(COLOURS.resize((64, 64)), "JPEG")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(b"", "is no image of PNG, JPEG", id="empty"),
        pytest.param(b"<svg></svg>", "is no image of PNG, JPEG", id="another kind"),
        pytest.param(file(COLOURS)[:80], "is damaged or cut short", id="cut PNG"),
        pytest.param(jpeg()[:-200], "is damaged or cut short", id="cut JPEG"),
        pytest.param(
            file(COLOURS, "GIF", save_all=True, append_images=[ALPHA]),
            "holds several pictures",
            id="moving",
        ),
        pytest.param(
            file(Image.fromarray(DEEP.astype(np.float32)), "TIFF"), "real numbers", id="floats"
        ),
        pytest.param(
            file(Image.fromarray(DEEP.astype(np.int32) + 2**16), "TIFF"), "beyond 16", id="32 bits"
        ),
        pytest.param(
            png(np.stack([DEEP] * 3, axis=2), 16, 2, (1, 2, 3)),
            "one transparent colour of 16 bits a channel; write it with 8",
            id="a deep colour that is transparent",
        ),
    ],
)
def test_what_has_no_one_meaning_is_refused(content: bytes, told: str) -> None:
    with pytest.raises(Undecodable, match=told):
        levels(content)


@pytest.mark.parametrize("limit", [50, 20])
def test_more_pixels_than_pillow_thinks_safe_are_refused(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)  # it warns of 63, or raises
    with pytest.raises(Undecodable, match=f"more than {limit} pixels"):
        levels(file(COLOURS))
