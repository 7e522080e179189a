"""Transforms are what others compute, and each row's draws are its own."""

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from scipy import ndimage
from support.own_parts.convolving import Noise
from torch import Tensor

from seedbed.components import AllowList
from seedbed.data.seeds import row_keys, stream_seed
from seedbed.data.transforms.build import SHIPPED, built_transforms
from seedbed.data.transforms.own import OwnTransform
from seedbed.data.transforms.pipeline import Pipeline
from seedbed.data.transforms.transform import Draws

DRAWN = np.random.default_rng(0)
LEVELS = torch.from_numpy(DRAWN.integers(0, 256, (40, 3, 11, 14), dtype=np.uint8))
X = LEVELS.float() / 255

EVERY = {
    "RandomHorizontalFlip": {},
    "RandomVerticalFlip": {"p": 0.3},
    "RandomCrop": {"size": [8, 9], "padding": 2, "fill": 0.5},
    "RandomResizedCrop": {},
    "RandomRotation": {"degrees": 30, "fill": 0.2},
    "RandomAffine": {
        "degrees": [-5, 60],
        "translate": [0.1, 0.2],
        "scale": [0.7, 1.4],
        "shear": 20,
    },
    "ColorJitter": {"brightness": 0.4, "contrast": 0.5, "saturation": [0, 2]},
    "RandomGrayscale": {"p": 0.5},
    "RandomErasing": {"p": 0.8, "value": 1},
}


def draws(rows: int = 40, seed: int = 0) -> Draws:
    return Draws(row_keys(stream_seed(seed, "transform", 0, 0), np.arange(rows)))


def made(name: str, **arguments: object) -> Tensor:
    return SHIPPED[name](**arguments)(X, draws())  # type: ignore[call-arg]


def uniform(count: int) -> list[np.ndarray]:
    return list(draws().uniform(count))


def test_every_transform_is_tried_here() -> None:
    assert EVERY.keys() == SHIPPED.keys()


@pytest.mark.parametrize("name", [*EVERY, "own"])
def test_a_row_is_changed_alike_alone_and_in_any_batch_and_stack(name: str) -> None:
    own = OwnTransform(Noise(0.1), "data.transforms[0]", "Noise")
    (one,) = [own] if name == "own" else built_transforms([{name: EVERY[name]}], AllowList())
    pipeline = Pipeline([one])
    rows = np.arange(40)
    whole = pipeline(LEVELS, [3], 5, rows)
    shuffled = DRAWN.permutation(40)
    for part in (shuffled[:1], shuffled[:7], shuffled[7:]):
        assert torch.equal(pipeline(LEVELS[part], [3], 5, part), whole[part])
    both = pipeline(torch.cat([LEVELS, LEVELS]), [8, 3], 5, np.stack([rows, rows]))
    assert torch.equal(both[40:], whole)
    assert not torch.equal(both[:40], whole)
    assert not torch.equal(pipeline(LEVELS, [3], 6, rows), whole)


def test_two_transforms_of_one_kind_draw_by_themselves() -> None:
    twice = Pipeline(built_transforms(["RandomHorizontalFlip"] * 2, AllowList()))
    assert not torch.equal(twice(LEVELS, [0], 0, np.arange(40)), X * 255)


def test_draws_are_even() -> None:
    (drawn,) = draws(20_000).uniform(1)
    counts, _ = np.histogram(drawn, bins=20, range=(0, 1))
    assert ((counts - 1000) ** 2 / 1000).sum() < 44  # 19 degrees of freedom, 1 in 1,000
    first, second = draws(20_000).uniform(2)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_flips_turn_over_the_rows_whose_draw_is_below_p() -> None:
    (drawn,) = uniform(1)
    for name, axis in (("RandomHorizontalFlip", 3), ("RandomVerticalFlip", 2)):
        found = made(name, p=0.3)
        for number, one in enumerate(drawn):
            expected = np.flip(X[number].numpy(), axis - 1) if one < 0.3 else X[number].numpy()
            assert np.array_equal(found[number].numpy(), expected)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect"])
def test_a_crop_is_a_part_of_the_padded_image(mode: str) -> None:
    found = made("RandomCrop", size=[6, 9], padding=3, padding_mode=mode)
    edges = ((0, 0), (0, 0), (3, 3), (3, 3))
    padded = np.pad(X.numpy(), edges, mode=mode)  # type: ignore[call-overload]
    down, across = uniform(2)
    for number in range(40):
        top = int(down[number] * (11 + 6 - 6 + 1))
        left = int(across[number] * (14 + 6 - 9 + 1))
        expected = padded[number, :, top : top + 6, left : left + 9]
        assert np.array_equal(found[number].numpy(), expected)
    assert 0 in np.floor(down * 12)
    assert 11 in np.floor(down * 12)


def test_an_affine_change_is_scipys() -> None:
    bounds = {"degrees": 40, "translate": [0.2, 0.1], "scale": [0.6, 1.5], "shear": [-20, 30]}
    found = made("RandomAffine", **bounds)
    turned, down, across, stretched, slanted = uniform(5)
    for number in range(40):
        angle = math.radians(-40 + 80 * turned[number])
        slant = math.tan(math.radians(-20 + 50 * slanted[number]))
        scale = 0.6 + 0.9 * stretched[number]
        # Of (down, across): a turn to the left, after a slant across, after a stretch.
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        forwards = turn @ np.array([[1, 0], [slant, 1]]) * scale
        back = np.linalg.inv(forwards)
        middle = np.array([5.0, 6.5])
        move = np.array([(2 * down[number] - 1) * 0.2 * 11, (2 * across[number] - 1) * 0.1 * 14])
        offset = middle - back @ (middle + move)
        for channel in range(3):
            plane = X[number, channel].double().numpy()
            expected = ndimage.affine_transform(plane, back, offset, order=1, mode="grid-constant")
            assert found[number, channel].numpy() == pytest.approx(expected, abs=2e-5)


def test_a_rotation_is_pillows() -> None:
    image = Image.fromarray(LEVELS[0].numpy().transpose(1, 2, 0)).resize((16, 16))
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 255
    rotate = SHIPPED["RandomRotation"](degrees=[30, 30])  # type: ignore[call-arg]
    found = rotate(x, draws(1))[0].permute(1, 2, 0).numpy()
    expected = np.asarray(image.rotate(30, Image.Resampling.BILINEAR)) / 255
    assert found[4:12, 4:12] == pytest.approx(expected[4:12, 4:12], abs=0.01)


def test_a_resized_crop_is_scipys_of_the_same_part() -> None:
    found = made("RandomResizedCrop", scale=[0.2, 0.9], ratio=[0.5, 2])
    area, shape, down, across = uniform(4)
    for number in range(10):
        size = (0.2 + 0.7 * area[number]) * 11 * 14
        ratio = 2 ** (-1 + 2 * shape[number])
        high, wide = min(math.sqrt(size / ratio), 11), min(math.sqrt(size * ratio), 14)
        top, left = down[number] * (11 - high), across[number] * (14 - wide)
        rows = top + (np.arange(11) + 0.5) * high / 11 - 0.5
        columns = left + (np.arange(14) + 0.5) * wide / 14 - 0.5
        places = np.meshgrid(rows, columns, indexing="ij")
        plane = X[number, 1].double().numpy()
        expected = ndimage.map_coordinates(plane, places, order=1, mode="nearest")
        assert found[number, 1].numpy() == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(
    ("key", "enhance", "which"),
    [
        ("brightness", ImageEnhance.Brightness, 0),
        ("contrast", ImageEnhance.Contrast, 1),
        ("saturation", ImageEnhance.Color, 2),
    ],
)
def test_colours_are_changed_as_pillow_does(key: str, enhance, which: int) -> None:
    found = made("ColorJitter", **{key: 0.7})
    drawn = uniform(3)[which]
    for number in range(5):
        image = Image.fromarray(LEVELS[number].numpy().transpose(1, 2, 0))
        expected = np.asarray(enhance(image).enhance(0.3 + 1.4 * drawn[number]))
        assert abs(found[number].permute(1, 2, 0).numpy() * 255 - expected).max() < 2.5


def test_greys_are_pillows() -> None:
    found = made("RandomGrayscale", p=1)
    for number in range(5):
        image = Image.fromarray(LEVELS[number].numpy().transpose(1, 2, 0)).convert("L")
        for channel in found[number]:
            assert abs(channel.numpy() * 255 - np.asarray(image)).max() <= 1


def test_erasing_takes_one_rectangle_within_bounds() -> None:
    found = made("RandomErasing", p=0.5, scale=[0.1, 0.4], ratio=[0.5, 2], value=0.25)
    drawn = uniform(1)[0]
    for number in range(40):
        gone = (found[number] != X[number]).any(dim=0)
        if drawn[number] >= 0.5:
            assert not gone.any()
            continue
        rows, columns = gone.any(dim=1), gone.any(dim=0)
        assert torch.equal(gone, rows[:, None] & columns)
        assert (found[number][:, gone] == 0.25).all()
        assert 0.04 < gone.float().mean() < 0.5


@pytest.mark.parametrize("name", ["RandomHorizontalFlip", "ColorJitter", "RandomErasing"])
def test_grey_images_are_taken_too(name: str) -> None:
    one = SHIPPED[name](**EVERY[name])  # type: ignore[arg-type]
    assert one(X[:, :1], draws()).shape == (40, 1, 11, 14)


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("RandomCrop", {"size": 0}, "size must be"),
        ("RandomCrop", {"size": 3, "padding": -1}, "padding must be"),
        ("RandomCrop", {"size": 3, "padding_mode": "wrap"}, "padding_mode must be one of"),
        ("RandomRotation", {"degrees": [5, 1]}, "degrees must be two rising numbers"),
        ("RandomRotation", {"degrees": -1}, "degrees must be a number >= 0"),
        ("RandomAffine", {"shear": 90}, "shear must be between"),
        ("RandomAffine", {"translate": 3}, "translate must be a number from 0 to 1"),
        ("RandomAffine", {"scale": [0, 1]}, "scale must be two rising numbers from"),
        ("RandomResizedCrop", {"scale": [0.5, 2]}, "scale must end at 1"),
        ("ColorJitter", {"contrast": "much"}, "contrast must be two rising"),
        ("RandomErasing", {"value": 255}, "value must be a number from 0 to 1"),
    ],
)
def test_arguments_out_of_range_are_refused(name: str, arguments: dict, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        SHIPPED[name](**arguments)
