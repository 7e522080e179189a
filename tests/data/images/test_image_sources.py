"""Folders and tables of images: which rows there are, what is kept of them, what is refused."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support.composing import composed_quickly
from support.image_files import CLASSES, write_shapes, write_table

from seedbed.components import AllowList
from seedbed.data.images.rows import ImageRows
from seedbed.data.prepared import PreparedData
from seedbed.errors import SeedbedError
from seedbed.process import signals
from seedbed.tables.images import reading
from seedbed.training.run_data import data_of

NO_SPLIT = "data.split={validation:0,test:0}"
OWN = "support.own_parts.convolving"


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("pictures") / "shapes", 30)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_table(tmp_path_factory.mktemp("table"), 30)


def data(path: Path | str, *words: str) -> PreparedData:
    config = composed_quickly(["data=images", f"data.path={path}", *words]).config
    return data_of(config, AllowList(config.allow))


def rows(part: object) -> ImageRows:
    assert isinstance(part, ImageRows)
    return part


def levels_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).transpose(2, 0, 1)


def test_a_folder_is_its_files_by_path_and_their_classes_by_name(shapes: Path) -> None:
    found = data(shapes, NO_SPLIT, "data.standardize=false")
    train = rows(found.train)
    files = sorted(shapes.rglob("*.png"))
    assert found.preprocessing.classes == list(CLASSES)
    assert [CLASSES[int(one)] for one in train.y] == [one.parent.name for one in files]
    for number in (0, 11, 29):
        expected = torch.from_numpy(levels_of(files[number]) / np.float32(255))
        torch.testing.assert_close(train[number][0], expected, rtol=0, atol=0)


def test_nested_folders_belong_to_the_class_and_hidden_files_to_nobody(
    tmp_path: Path, shapes: Path
) -> None:
    folder = shutil.copytree(shapes, tmp_path / "shapes")
    (folder / "disc" / "more").mkdir()
    shutil.move(next(folder.glob("disc/*.png")), folder / "disc" / "more" / "1.PNG")
    for name in ("disc/._1.png", ".DS_Store", ".hidden/x.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no image")
    (folder / "readme.txt").write_text("no image")
    found = data(folder, NO_SPLIT)
    assert len(rows(found.train)) == 30
    assert int((rows(found.train).y == 1).sum()) == 10
    assert any("1 file is no image" in note for note in found.notes)


def test_each_channel_is_standardized_by_the_training_images(shapes: Path) -> None:
    found = data(shapes)
    train, every = rows(found.train), [*rows(found.train), *rows(found.test)]
    x = torch.stack([one for one, _ in train]).double()
    assert x.mean(dim=(0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-6)
    assert x.std(dim=(0, 2, 3), correction=0).tolist() == pytest.approx([1, 1, 1], abs=1e-6)
    assert len(every) == 27
    (feature,) = found.preprocessing.features
    levels = train.pixels.levels[train.numbers.numpy()]
    assert np.ravel(feature.mean).tolist() == pytest.approx(levels.mean(axis=(0, 2, 3)))
    assert np.ravel(feature.scale).tolist() == pytest.approx(levels.std(axis=(0, 2, 3)))


def test_one_grey_image_among_coloured_ones_gets_three_channels(
    tmp_path: Path, shapes: Path
) -> None:
    folder = shutil.copytree(shapes, tmp_path / "shapes")
    first = sorted(folder.rglob("*.png"))[0]
    Image.open(first).convert("L").save(first)
    x, _ = rows(data(folder, NO_SPLIT, "data.standardize=false").train)[0]
    assert x.shape == (3, 12, 12)
    assert torch.equal(x[0], x[2])
    for path in folder.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    assert data(folder).preprocessing.input_shape == [1, 12, 12]
    assert data(folder, "data.channels=3").preprocessing.input_shape == [3, 12, 12]


def test_a_table_names_files_beside_it_and_has_targets_weights_and_groups(table: Path) -> None:
    words = ["data.file=picture", "data.target=weight", "data.split.by=kind", "data.weight=counts"]
    found = data(table, *words, "data.split={validation:0.3,test:0}")
    assert found.preprocessing.task == "regression"
    train, held = rows(found.train), rows(found.validation)
    assert train.pixels is held.pixels
    assert len(train) == 20
    assert len(held) == 10
    assert train.y.shape == (20, 2)
    labels = data(table, "data.file=picture", "data.target=[round,counts]", "data.task=counts")
    assert rows(labels.train).y.shape[1] == 2


def test_classes_of_a_table_and_of_the_folder_that_it_names_are_the_same_rows(table: Path) -> None:
    one = data(table, "data.file=picture", "data.target=kind")
    other = data(table.parent)
    assert one.fingerprint["sha256"] == other.fingerprint["sha256"]
    assert one.preprocessing.class_counts == other.preprocessing.class_counts
    assert list(one.fingerprint["files"]) == [str(table), f"{table}: images"]


def test_folds_deal_every_image_once(shapes: Path) -> None:
    words = ["data.folds=3", "data.split={validation:0,test:0}"]
    held = [rows(data(shapes, *words, f"data.fold={one}").validation).numbers for one in range(3)]
    assert sorted(torch.cat(held).tolist()) == list(range(30))


def test_a_folder_of_its_own_for_validation(tmp_path: Path, shapes: Path) -> None:
    other = write_shapes(tmp_path / "other", 6)
    found = data(shapes, f"data.validation_path={other}", "data.split.test=0")
    assert len(rows(found.train)) == 30
    assert len(rows(found.validation)) == 6
    assert rows(found.validation).feature == rows(found.train).feature


def test_a_second_run_decodes_nothing(shapes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = data(shapes, "data.size=9")

    def fail(*_: object) -> None:
        raise AssertionError("decoded again")

    with monkeypatch.context() as patch:
        patch.setattr(reading, "decoded", fail)
        again = data(shapes, "data.size=[9,9]", "seed=1")
    assert np.array_equal(rows(first.train).pixels.levels, rows(again.train).pixels.levels)


@pytest.mark.parametrize("damage", ["a bit", "the end", "what is told", "all of it"])
def test_a_damaged_cache_is_made_anew(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = data(shapes)
    (file,) = (tmp_path / "seedbed" / "images").iterdir()
    whole = file.read_bytes()
    file.write_bytes(
        {
            "a bit": whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:],
            "the end": whole[:-1],
            "what is told": whole.replace(b'"shape": [30', b'"shape": [31'),
            "all of it": b"",
        }[damage]
    )
    again = data(shapes)
    assert again.fingerprint == first.fingerprint
    assert np.array_equal(rows(first.train).pixels.levels, rows(again.train).pixels.levels)
    assert file.read_bytes() == whole


def test_images_that_change_are_other_images(tmp_path: Path, shapes: Path) -> None:
    folder = shutil.copytree(shapes, tmp_path / "shapes")
    before = data(folder).fingerprint
    path = next(folder.rglob("*.png"))
    told = path.stat()
    Image.open(path).transpose(Image.Transpose.ROTATE_90).save(path)
    os.utime(path, ns=(told.st_atime_ns, told.st_mtime_ns))
    after = data(folder).fingerprint
    assert before["sha256"] != after["sha256"]
    assert before["files"] != after["files"]


def test_a_set_too_large_for_memory_is_mapped_from_a_file(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = rows(data(shapes).train)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for module in ("cache", "reading"):
        monkeypatch.setattr(f"seedbed.tables.images.{module}.IN_MEMORY", 1000)
    for _ in range(2):
        found = rows(data(shapes).train)
        assert isinstance(found.pixels.levels, np.memmap)
        assert torch.equal(found.plain(torch.arange(4)), expected.plain(torch.arange(4)))
    (file,) = (tmp_path / "seedbed" / "images").iterdir()
    assert file.suffix == ".levels"


def test_without_a_folder_for_the_cache_runs_go_on(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seedbed").write_text("a file")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert len(rows(data(shapes).train)) == 21


def changed(change: Callable[[Path], object]) -> Callable[[Path], object]:
    return change


def save(path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size).save(path)


BAD = {
    "no image": (
        lambda f: (f / "disc" / "a.png").write_bytes(b"text"),
        [],
        r"data.path: '.*disc/a.png' is no image of PNG",
    ),
    "cut short": (
        lambda f: (f / "disc" / "0001.png").write_bytes(
            (f / "disc" / "0001.png").read_bytes()[:200]
        ),
        [],
        r"data.path: '.*disc/0001.png' is damaged or cut short",
    ),
    "no images": (
        lambda f: [(shutil.rmtree(f), f.mkdir(), (f / "a.txt").write_text("x"))],
        [],
        "holds no image, but 1 other files; images end in",
    ),
    "an empty class": (
        lambda f: (f / "ring").mkdir(),
        [],
        "the folder 'ring' of '.*' holds no image",
    ),
    "no class": (
        lambda f: save(f / "a.png", (12, 12)),
        [],
        "'a.png' lies beside the folders",
    ),
    "parts for classes": (
        lambda f: [
            shutil.rmtree(f / "cross"),
            (f / "disc").rename(f / "train"),
            (f / "square").rename(f / "Val"),
        ],
        [],
        "are Val, train, which are parts of the data and no classes; type data.path=.*/train, and",
    ),
    "one class": (
        lambda f: [shutil.rmtree(f / name) for name in ("disc", "cross")],
        [],
        "'class' has one class only, 'square'",
    ),
    "sizes": (
        lambda f: save(f / "square" / "a.png", (5, 8)),
        [],
        r"a.png' is 8 x 5 \(height x width\) and the first image 12 x 12.*data.size=\[12,12\]",
    ),
    "no folder": (lambda f: None, ["data.path=nowhere"], "no file 'nowhere'"),
    "a column of a folder": (lambda f: None, ["data.file=a"], "data.file=a names a column"),
    "a url": (lambda f: None, ["data.path='s3://a/b'"], "images are read from files here"),
    "workers": (lambda f: None, ["loader.num_workers=2"], "no worker reads them"),
    "no transform": (
        lambda f: None,
        ["data.transforms=[RandomHorizontalFlop]"],
        "no transform 'RandomHorizontalFlop'.*did you mean 'RandomHorizontalFlip'",
    ),
    "no argument": (
        lambda f: None,
        ["data.transforms=[{RandomCrop:{siz:3}}]"],
        "RandomCrop has no argument 'siz'.*did you mean 'size'",
    ),
    "argument missing": (
        lambda f: None,
        ["data.transforms=[RandomCrop]"],
        "RandomCrop: missing 1 required positional argument: 'size'",
    ),
    "wrong argument": (
        lambda f: None,
        ["data.transforms=[{RandomVerticalFlip:{p:2}}]"],
        "RandomVerticalFlip: p must be a number from 0 to 1, got 2",
    ),
    "large crop": (
        lambda f: None,
        ["data.transforms=[{RandomCrop:{size:13,padding:4}}]"],
        "RandomCrop: size is 13 x 13, and the images are 12 x 12",
    ),
    "crop after crop": (
        lambda f: None,
        ["data.transforms=[{RandomCrop:{size:8}},{RandomCrop:{size:9}}]"],
        r"data.transforms\[1\]: RandomCrop: size is 9 x 9, and the images are 8 x 8",
    ),
    "no form of a transform": (
        lambda f: None,
        ["data.transforms=[{RandomCrop:{size:8},RandomVerticalFlip:{}}]"],
        "must be a name or one with arguments",
    ),
    "reconstruction": (
        lambda f: None,
        ["data.task=reconstruction", "data.target=null", "data.transforms=[RandomGrayscale]"],
        "transforms would change what goes in alone",
    ),
    "not allowed": (
        lambda f: None,
        ["data.transforms=[{_target_:os.getcwd}]"],
        "'os.getcwd' is not allowed",
    ),
    "own that raises": (
        lambda f: None,
        [f"data.transforms=[{{_target_:{OWN}.Raising}}]", "allow=[support]"],
        r"Raising raises KeyError: 'colour' \(.*convolving.py, line",
    ),
    "own of another shape": (
        lambda f: None,
        [f"data.transforms=[{{_target_:{OWN}.Smaller}}]", "allow=[support]"],
        r"Smaller gives \(3, 11, 12\) float32 for an image of \(3, 12, 12\)",
    ),
    "own with another argument": (
        lambda f: None,
        [f"data.transforms=[{{_target_:{OWN}.dimmed,faktor:1}}]", "allow=[support]"],
        "dimmed: got an unexpected keyword argument 'faktor'; it is called with an image first",
    ),
    "own without seeds": (
        lambda f: None,
        [f"data.transforms=[{{_target_:{OWN}.Unseeded}}]", "allow=[support]"],
        "Unseeded changes one image in two ways with the same seeds",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_images_and_transforms_are_named(tmp_path: Path, shapes: Path, case: str) -> None:
    change, words, told = BAD[case]
    folder = shutil.copytree(shapes, tmp_path / "shapes")
    change(folder)
    with pytest.raises(SeedbedError, match=told):
        prepared_run(folder, *words)


def prepared_run(folder: Path, *words: str) -> None:
    from support.single_runs import prepared

    prepared("data=images", f"data.path={folder}", *words)


@pytest.mark.parametrize(("to", "is_told"), [(255, True), (1.4, False)])
def test_a_transform_that_scales_images_itself_is_told_of(
    shapes: Path, to: float, is_told: bool
) -> None:
    named = f"data.transforms=[{{_target_:{OWN}.scaled,to:{to}}}]"
    notes = " ".join(data(shapes, named, "allow=[support]").notes)
    assert ("data.transforms[0]: scaled gives numbers from" in notes) == is_told


BAD_TABLES = {
    "no column said": ([], "data.file does not say which column.*picture, kind"),
    "no such column": (["data.file=pictur"], "no column 'pictur'.*did you mean 'picture'"),
    "no file": (["data.file=kind"], r"'\w+' \(row 1 \(line 2\) of labels.csv\) is no file"),
    "images as groups": (
        ["data.file=picture", "data.split.by=picture"],
        "data.split.by=picture is the column of the images",
    ),
    "both": (["data.file=kind", "data.target=kind"], "data.target=kind is data.file too"),
}


@pytest.mark.parametrize("case", BAD_TABLES)
def test_bad_tables_of_images_are_named(table: Path, case: str) -> None:
    words, told = BAD_TABLES[case]
    target = [] if any("target" in one for one in words) else ["data.target=weight"]
    with pytest.raises(SeedbedError, match=told):
        data(table, *target, *words)


def test_arrays_name_no_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "names.npz", picture=np.array(["a.png", "b.png"]), kind=[0, 1])
    with pytest.raises(SeedbedError, match=r"names\.npz' holds arrays; name the files of images"):
        data(tmp_path / "names.npz", "data.file=picture", "data.target=kind")


def test_a_table_without_rows_is_told_as_such(tmp_path: Path) -> None:
    table = tmp_path / "empty.csv"
    table.write_text("picture,kind\n")
    with pytest.raises(SeedbedError, match="has no rows"):
        data(table, "data.file=picture", "data.target=kind")


def test_the_oldest_sets_and_what_was_left_unfinished_go(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "seedbed" / "images"
    data(shapes, "data.size=9")
    (first,) = folder.iterdir()
    left = folder / "x.part"
    left.write_bytes(b"x")
    for path in (first, left):
        os.utime(path, (1, 1))
    monkeypatch.setattr("seedbed.tables.images.cache.MOST_KEPT", 20_000)
    data(shapes, "data.size=8")
    assert [one.name for one in folder.iterdir()] != [first.name]
    assert len([*folder.iterdir()]) == 1


@pytest.mark.parametrize("in_memory", [2**30, 0], ids=["in memory", "in a file"])
def test_a_signal_leaves_no_images_that_are_not_whole(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch, in_memory: int
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("seedbed.tables.images.reading.IN_MEMORY", in_memory)
    before = [*signals.at_end]

    def stopped(path: Path, *_: object, **__: object) -> None:
        assert path.is_file()
        for what in signals.at_end[len(before) :]:
            what()
        assert not path.exists()
        raise KeyboardInterrupt

    monkeypatch.setattr("seedbed.tables.images.cache._write", stopped)
    with pytest.raises(KeyboardInterrupt):
        data(shapes, "data.size=9")
    assert signals.at_end == before


def test_a_missing_name_of_a_file_is_told_by_its_row(tmp_path: Path, table: Path) -> None:
    shutil.copytree(table.parent, tmp_path / "copy")
    copy = tmp_path / "copy" / "labels.csv"
    lines = copy.read_text().splitlines()
    lines[5] = "," + lines[5].partition(",")[2]
    copy.write_text("\n".join(lines))
    with pytest.raises(SeedbedError, match=r"names no file in row 5 \(line 6\)"):
        data(copy, "data.file=picture", "data.target=kind")
