"""Runs on image files: alone, in a stack, on ranks, stopped and gone on with, and predicting."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from support import ranked_runs
from support.command_line import Command
from support.composing import composed_quickly
from support.image_files import CLASSES, write_shapes, write_table
from support.ranked_runs import on_ranks
from support.resumed_runs import assert_run_goes_on, assert_stack_goes_on
from support.single_runs import train
from support.stacked_runs import assert_alike, fused, singly

from seedbed import load_run
from seedbed.components import AllowList
from seedbed.data.images.rows import ImageRows
from seedbed.training.run_data import data_of

CHANGES = "data.transforms=[RandomHorizontalFlip,{RandomCrop:{size:10,padding:2}},RandomErasing]"
RESNET = ["model._target_=support.own_parts.convolving.SmallResNet", "allow=[support]"]
RESNET += ["optimizer.lr=0.02", "loader.batch_size=16", "trainer.epochs=2"]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shapes(tmp_path_factory.mktemp("pictures") / "shapes", 90)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, shapes: Path) -> Path:
    """A run that learnt to tell the classes, with crops and flips."""
    made = tmp_path_factory.mktemp("run") / "run"
    flips = "data.transforms=[RandomHorizontalFlip,{RandomCrop:{size:10,padding:2}}]"
    train(made, *words(shapes), flips, "trainer.epochs=25")
    return made


@pytest.fixture
def seedbed(seedbed: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The reader of the run has allowed its package."""
    monkeypatch.setenv("SEEDBED_ALLOW", "support")
    return seedbed


def words(shapes: Path, *more: str) -> list[str]:
    return ["data=images", f"data.path={shapes}", CHANGES, *RESNET, *more]


def test_a_run_that_was_stopped_within_an_epoch_goes_on_to_the_bit(shapes: Path) -> None:
    assert_run_goes_on(composed_quickly(words(shapes)).config, 2, 6)


def test_a_stack_that_was_stopped_within_an_epoch_goes_on_to_the_bit(shapes: Path) -> None:
    configs = [composed_quickly(words(shapes, f"seed={seed}")).config for seed in (0, 1)]
    assert_stack_goes_on(configs, 3)


@pytest.mark.parametrize(
    "same", ["data.split.seed=0", "seed_splits", "loader.shuffle=false", "own transform"]
)
def test_runs_of_a_stack_see_the_images_that_each_sees_alone(
    tmp_path: Path, shapes: Path, same: str
) -> None:
    home = "support.own_parts.convolving"
    own = f"{{_target_:{home}.Noise,scale:0.05}},{{_target_:{home}.dimmed}}"
    more = {
        "data.split.seed=0": ["data.split.seed=0"],
        "seed_splits": [],
        "loader.shuffle=false": ["loader.shuffle=false", "data.split={validation:0.2,test:0}"],
        "own transform": [f"data.transforms=[RandomVerticalFlip,{own}]", "trainer.epochs=1"],
    }[same]
    jobs = [words(shapes, *more, f"seed={seed}") for seed in (0, 1)]
    assert_alike(fused(jobs), singly(tmp_path, jobs), 1e-3)


def test_ranks_see_the_images_that_one_process_sees(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranked_runs.fork_always(monkeypatch)
    one = train(tmp_path / "one", *words(shapes))
    ranked_runs.assert_alike(one, on_ranks(tmp_path / "two", 2, *words(shapes)), 1e-3)


def test_rows_that_are_only_measured_are_cut_to_their_middle(shapes: Path) -> None:
    config = composed_quickly(words(shapes)).config
    data = data_of(config, AllowList(config.allow))
    held, train = data.validation, data.train
    assert isinstance(held, ImageRows)
    assert isinstance(train, ImageRows)
    assert data.preprocessing.input_shape == [3, 10, 10]
    (feature,) = data.preprocessing.features
    levels = held.pixels.levels[int(held.numbers[4])].astype(np.float32)
    expected = (levels - np.float32(feature.mean)) / np.float32(feature.scale)
    assert torch.equal(held[4][0], torch.from_numpy(expected[:, 1:11, 1:11]))
    assert held.pipeline is None
    assert train.pipeline is not None


def test_predictions_of_a_folder_a_table_and_one_image_agree(
    seedbed: Command, run: Path, tmp_path: Path
) -> None:
    table = write_table(tmp_path / "new", 9)
    assert seedbed("predict", run, "--file", "new", "--output", "folder.csv").code == 0
    with Path("folder.csv").open() as file:
        of_folder = {row.pop("file"): row for row in csv.DictReader(file)}
    assert list(of_folder) == sorted(of_folder)
    told = table.read_text().replace("picture,", "file,", 1)
    table.write_text(told)
    assert seedbed("predict", run, "--file", table, "--output", "table.csv").code == 0
    with Path("table.csv").open() as file:
        of_table = list(csv.DictReader(file))
    assert [row["kind"] for row in of_table] == [row["file"].split("/")[0] for row in of_table]
    one = of_table[3]
    alone = seedbed("predict", run, "--file", Path("new", one["file"]), "--json")
    (probabilities,) = json.loads(alone.out)["probabilities"]
    for number, name in enumerate(CLASSES):
        column = f"probability_{name}"
        assert float(one[column]) == float(of_folder[one["file"]][column])
        assert probabilities[number] == pytest.approx(float(one[column]), rel=1e-5)
    listed = seedbed("predict", run, "--file", "new").out.splitlines()
    assert listed[0].startswith("file,class_prediction,")
    assert len(listed) == 10


def test_predictions_in_blocks_are_those_of_all(
    seedbed: Command, run: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seedbed("predict", run, "--file", shapes, "--output", "whole.csv").code == 0
    monkeypatch.setattr("seedbed.tables.images.image_file.LARGE", 20 * 432)
    assert seedbed("predict", run, "--file", shapes, "--output", "blocks.csv").code == 0
    assert Path("whole.csv").read_text() == Path("blocks.csv").read_text()


def test_a_run_is_measured_on_a_labelled_folder_and_in_python(
    seedbed: Command, run: Path, tmp_path: Path
) -> None:
    folder = write_shapes(tmp_path / "labelled", 12)
    told = json.loads(seedbed("evaluate", run, "--file", folder, "--json").out)
    opened = load_run(run)
    found = opened.predict(folder)
    files = sorted(one.relative_to(folder).as_posix() for one in folder.rglob("*.png"))
    right = [one == name.split("/")[0] for one, name in zip(found, files, strict=True)]
    assert told["metrics"]["accuracy"]["value"] == pytest.approx(np.mean(right))
    by = json.loads(seedbed("evaluate", run, "--file", folder, "--by", "class", "--json").out)
    assert [one["group"] for one in by["groups"]] == list(CLASSES)
    levels = np.stack([np.asarray(Image.open(folder / name)).transpose(2, 0, 1) for name in files])
    assert opened.predict(levels).probabilities == found.probabilities
    assert opened.predict({"file": [f"labelled/{name}" for name in files]}) == found
    looked = seedbed("inspect", run, "--layer", "layers.0", "--file", folder / files[0], "--json")
    assert np.shape(json.loads(looked.out)["layers"]["layers.0"]) == (1, 4, 5, 5)


def test_it_learns_and_is_made_again_to_the_bit(seedbed: Command, run: Path) -> None:
    assert load_run(run).metrics["val/accuracy"] > 0.8
    assert seedbed("reproduce", run).out.splitlines()[-1] == "identical"
    assert (
        seedbed("plot", run, "--kind", "confusion", "--rows", "test", "--output", "c.svg").code == 0
    )


def test_other_images_than_the_run_takes_are_refused(
    seedbed: Command, run: Path, tmp_path: Path
) -> None:
    write_shapes(tmp_path / "larger", 3, size=14)
    (tmp_path / "none").mkdir()
    shutil.copy(tmp_path / "larger" / "disc" / "0001.png", "broken.png")
    Path("broken.png").write_bytes(Path("broken.png").read_bytes()[:99])
    shutil.copytree(tmp_path / "larger" / "disc", tmp_path / "rings" / "ring")
    for file, said in {
        "larger": "are 14 x 14 with 3 channels, the run was trained on 12 x 12 with 3",
        "none": "--file: 'none' holds no image",
        "broken.png": "--file: 'broken.png' is damaged or cut short",
        "missing.png": "--file: no file 'missing.png'",
    }.items():
        result = seedbed("predict", run, "--file", file)
        assert result.code == 2, file
        assert result.err.startswith("error: ")
        assert said in result.err
        assert result.err.count("\n") == 1
    assert not Path("out.csv").exists()


def test_nothing_is_written_where_an_image_is_wrong(seedbed: Command, tmp_path: Path) -> None:
    folder = write_shapes(tmp_path / "shapes", 9)
    (folder / "disc" / "x.jpg").write_bytes(b"no image")
    result = seedbed("train", *words(folder))
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: data.path: '{folder}/disc/x.jpg' is no image of PNG")
    assert not Path("outputs").exists()


@pytest.mark.parametrize(
    "damage",
    [
        {"decoded": None},
        {"decoded": {"size": [12], "resized": False}},
        {"decoded": {"size": [9, 9], "resized": False}},
        {"decoded": {"size": [12, 12], "resized": 1}},
        {"decoded": 5},
        {"shape": [2, 10, 10]},
        {"shape": [300]},
        {"mean": None},
        {"mean": [1, 2]},
        {"kind": "number"},
    ],
    ids=str,
)
def test_a_run_whose_preprocessing_is_no_images_is_refused(
    seedbed: Command, run: Path, tmp_path: Path, shapes: Path, damage: dict[str, object]
) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    plain = json.loads((copy / "preprocessing.json").read_text())
    plain["features"][0] |= damage
    (copy / "preprocessing.json").write_text(json.dumps(plain))
    result = seedbed("predict", copy, "--file", shapes)
    assert (result.code, result.out) == (2, "")
    assert len(result.errors) == 1
