"""A run starts from another: its weights by name, its preprocessing, and what is frozen stays."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, update_bn

import seedbed
from seedbed.api.run import Run
from seedbed.errors import ArgumentError, CheckpointError, ConfigError, DataError, ModelError
from seedbed.models.copies import copied_model
from seedbed.models.frozen import frozen_layers, measured_anew, set_training
from seedbed.models.starting_weights import matched, without_prefix

COMMON = ["data=csv", "data.target=kind", "model.hidden=[6,5]", "model.batch_norm=true"]
COMMON += ["trainer.epochs=3", "loader.batch_size=16", "data.split.seed=0"]
BODY = r"init.freeze=['^input_to_hidden_layer\.','^hidden_layer_norm\.']"
DECAYING = ["optimizer=sgd", "optimizer.lr=0.1", "optimizer.momentum=0.9"]
DECAYING += ["optimizer.weight_decay=0.1"]


def rows(path: Path, kinds: str, shift: float = 0.0) -> str:
    drawn = np.random.default_rng(3)
    x = drawn.normal(size=(90, 3)) + shift
    which = np.digitize(x[:, 0] + 0.1 * drawn.normal(size=90), [shift - 0.5, shift + 0.5])
    lines = [f"{a:.4f},{b:.4f},{c:.4f},{kinds[k]}" for (a, b, c), k in zip(x, which, strict=True)]
    path.write_text("\n".join(["a,b,c,kind", *lines, ""]))
    return f"data.path={path}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows of the classes x, y, z and of p, q, r; `source` was trained on the first."""
    made = tmp_path_factory.mktemp("starts")
    rows(made / "new.csv", "pqr", shift=2.0)
    seedbed.train(*COMMON, rows(made / "old.csv", "xyz"), directory=made / "source")
    return made


def started(folder: Path, at: Path, *words: str, data: str = "old") -> Run:
    where = f"data.path={folder / data}.csv"
    run = seedbed.train(
        *COMMON, where, f"init.run={folder / 'source'}", *words, directory=at / "run"
    )
    assert isinstance(run, Run)
    return run


def weights(run: Path | Run) -> dict[str, Tensor]:
    path = run.path if isinstance(run, Run) else run
    loaded: dict[str, Tensor] = torch.load(path / "model.pth", weights_only=True)
    return loaded


def start_of(folder: Path, *words: str) -> nn.Module:
    from support.single_runs import prepared

    source = f"init.run={folder / 'source'}"
    return prepared(*COMMON, f"data.path={folder / 'old.csv'}", source, *words)[1].model


def test_all_weights_and_buffers_are_taken_by_name(folder: Path) -> None:
    source, model = weights(folder / "source"), start_of(folder)
    assert all(torch.equal(one, source[name]) for name, one in model.state_dict().items())


def test_what_is_reset_has_the_names_of_the_model_whatever_is_in_front_of_them(
    folder: Path, tmp_path: Path
) -> None:
    from support.single_runs import prepared

    source = weights(folder / "source")
    more = {**source, "extra.weight": torch.zeros(2)}
    torch.save({f"module.{name}": one for name, one in more.items()}, tmp_path / "w.pth")
    words = [*COMMON, f"data.path={folder / 'old.csv'}", f"init.weights={tmp_path / 'w.pth'}"]
    plan = prepared(*words, "init.reset=['^extra','^hidden_to_output']")[1]
    state = plan.model.state_dict()
    assert torch.equal(
        state["input_to_hidden_layer.weight"], source["input_to_hidden_layer.weight"]
    )
    last = "hidden_to_output_layer.weight"
    assert not torch.equal(state[last], source[last])
    with pytest.raises(ConfigError, match="matches none of"):
        prepared(*words, r"init.reset=['^extra','^module\.hidden_to_output']")


def test_weights_of_a_byte_start_a_run(folder: Path, tmp_path: Path) -> None:
    from support.single_runs import prepared

    kept = (torch.long, torch.float8_e4m3fn)
    small = {
        k: one.to(kept[one.is_floating_point()]) for k, one in weights(folder / "source").items()
    }
    file, words = tmp_path / "small.safetensors", [*COMMON, f"data.path={folder / 'old.csv'}"]
    save_file(small, file)
    plan = prepared(*words, f"init.weights={file}")[1]
    assert not any("NaN" in note for note in plan.notes)
    assert all(torch.equal(one, small[k].to(one)) for k, one in plan.model.state_dict().items())
    name = "hidden_to_output_layer.bias"
    small[name] = torch.full((3,), torch.nan).to(torch.float8_e4m3fn)
    save_file(small, file)
    notes = prepared(*words, f"init.weights={file}")[1].notes
    assert any(f"holds NaN or infinity in {name}" in note for note in notes)


def test_a_file_of_torchs_averages_starts_a_run(folder: Path, tmp_path: Path) -> None:
    from support.single_runs import prepared

    average = AveragedModel(start_of(folder))
    torch.save(average.state_dict(), tmp_path / "average.pth")
    words = [*COMMON, f"data.path={folder / 'old.csv'}", f"init.weights={tmp_path / 'average.pth'}"]
    with pytest.raises(ModelError, match=r"n_averaged \(\): not in the model"):
        prepared(*words)
    plan = prepared(*words, "init.reset=['^n_averaged$']")[1]
    expected = average.module.state_dict()
    assert all(torch.equal(one, expected[k]) for k, one in plan.model.state_dict().items())
    assert any("'module.' was taken off all of its names but n_averaged" in n for n in plan.notes)


@pytest.mark.parametrize("which", ["best", "last"])
def test_a_checkpoint_of_averaged_weights_is_taken_as_predict_opens_it(
    folder: Path, tmp_path: Path, which: str
) -> None:
    from support.single_runs import prepared

    data, average = (
        f"data.path={folder / 'old.csv'}",
        ["trainer.select=ema", "trainer.ema_decay=0.9"],
    )
    source = seedbed.train(*COMMON, data, *average, directory=tmp_path / "ema")
    file = source.path / "checkpoints" / f"{which}.pt"
    saved, opened = torch.load(file, weights_only=True), source.model(which).state_dict()
    name = "input_to_hidden_layer.weight"
    assert not torch.equal(opened[name], saved["model"][name])
    for start in (
        [f"init.run={source.path}", f"init.checkpoint={which}"],
        [f"init.weights={file}"],
    ):
        model = prepared(*COMMON, data, *start)[1].model
        assert all(torch.equal(one, opened[k]) for k, one in model.state_dict().items())


@pytest.mark.parametrize("which", ["best", "last"])
def test_a_checkpoint_of_the_run_is_taken_when_it_is_asked_for(folder: Path, which: str) -> None:
    saved = torch.load(folder / "source" / "checkpoints" / f"{which}.pt", weights_only=True)
    model = start_of(folder, f"init.checkpoint={which}")
    assert all(torch.equal(one, saved["model"][k]) for k, one in model.state_dict().items())


def test_frozen_body_is_unchanged_to_the_bit_whatever_decays(folder: Path, tmp_path: Path) -> None:
    run = started(folder, tmp_path, *DECAYING, BODY, "init.frozen_eval=true")
    source, now = weights(folder / "source"), weights(run)
    frozen = [name for name in now if name.startswith(("input_to_hidden", "hidden_layer_norm."))]
    assert len(frozen) == 7  # with running means, variances and counts
    for name, tensor in now.items():
        assert torch.equal(tensor, source[name]) == (name in frozen), name


def test_average_of_weights_leaves_statistics_of_frozen_layers(
    folder: Path, tmp_path: Path
) -> None:
    swa = ["trainer.select=swa", "trainer.swa_start=1"]
    run = started(folder, tmp_path, *swa, BODY, "init.frozen_eval=true")
    source, now = weights(folder / "source"), weights(run)
    for name in ("running_mean", "running_var", "weight"):
        assert torch.equal(now[f"hidden_layer_norm.{name}"], source[f"hidden_layer_norm.{name}"])
        other = f"hidden_layer_norm_1.{name}"
        assert not torch.equal(now[other], source[other])


def test_layers_that_are_measured_anew_have_the_numbers_of_torch() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.0), nn.Linear(3, 1))
    twin = copied_model(model)
    batches = [(torch.randn(5, 2), torch.zeros(5)) for _ in range(4)]
    measured_anew(batches, model, frozen_eval=False)
    update_bn(batches, twin)
    for name, tensor in twin.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name]), name


def test_a_run_is_given_to_train_itself(folder: Path, tmp_path: Path) -> None:
    source = seedbed.load_run(folder / "source")
    data = f"data.path={folder / 'old.csv'}"
    run = seedbed.train(*COMMON, data, init=source, directory=tmp_path / "1")
    assert run.config["init"]["run"] == str(folder / "source")
    file = folder / "source" / "model.pth"
    from_file = seedbed.train(*COMMON, data, init=file, directory=tmp_path / "2")
    assert from_file.config["init"]["weights"] == str(file)
    assert from_file.config["init"]["fingerprint"] == run.config["init"]["fingerprint"]
    with pytest.raises(ArgumentError, match="init= gives what to start from; leave out it"):
        seedbed.train(*COMMON, data, "init.run=x", init=source)
    with pytest.raises(ArgumentError, match="init must be a Run"):
        seedbed.train(*COMMON, data, init=3)  # type: ignore[arg-type]


def test_statistics_in_a_frozen_layer_move_on_unless_asked_and_it_is_said(
    folder: Path, tmp_path: Path
) -> None:
    run = started(folder, tmp_path, BODY)
    source, now = weights(folder / "source"), weights(run)
    mean = "hidden_layer_norm.running_mean"
    assert not torch.equal(now[mean], source[mean])
    assert "init.frozen_eval=true" in (run.path / "run.log").read_text()


def test_preprocessing_is_that_of_the_run_where_the_columns_fit(
    folder: Path, tmp_path: Path
) -> None:
    def fitted(run: Path) -> object:
        return json.loads((run / "preprocessing.json").read_text())["features"]

    taken = started(folder, tmp_path / "1", "init.strict=false", data="new")
    anew = started(
        folder, tmp_path / "2", "init.strict=false", "init.preprocessing=data", data="new"
    )
    assert fitted(taken.path) == fitted(folder / "source") != fitted(anew.path)


def test_other_columns_are_fitted_anew_and_told(folder: Path, tmp_path: Path) -> None:
    run = started(folder, tmp_path, "data.features=[c,b,a]", data="old")
    log = (run.path / "run.log").read_text()
    assert "fitted anew, as the columns are not those of that run: they have another order" in log


def test_last_layer_of_other_classes_is_refused_or_starts_fresh(
    folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(seedbed.errors.ModelError, match="other classes, x, y, z there"):
        started(folder, tmp_path, data="new")
    run = started(folder, tmp_path, "init.strict=false", "optimizer.lr=1e-12", data="new")
    source, now = weights(folder / "source"), weights(run)
    apart = [n for n in now if not torch.allclose(now[n], source[n], atol=1e-6)]
    assert {"hidden_to_output_layer.weight", "hidden_to_output_layer.bias"} <= {*apart}
    assert "input_to_hidden_layer.weight" not in apart
    table = " ".join((run.path / "run.log").read_text().split())
    assert "input_to_hidden_layer.weight (6, 3) loaded" in table
    assert "hidden_to_output_layer.bias (3,) other classes, x, y, z there" in table


def test_fresh_start_of_what_is_reset_is_that_of_the_seed(folder: Path) -> None:
    from support.single_runs import prepared

    fresh = prepared(*COMMON, f"data.path={folder / 'old.csv'}", "seed=4")[1].model.state_dict()
    model = start_of(folder, "seed=4", "init.reset=['^hidden_to_output']").state_dict()
    source = weights(folder / "source")
    for name, tensor in model.items():
        expected = fresh if name.startswith("hidden_to_output") else source
        assert torch.equal(tensor, expected[name]), name


@pytest.mark.parametrize("form", ["pth", "safetensors", "module", "lightning"])
def test_a_file_of_weights_starts_a_run(folder: Path, tmp_path: Path, form: str) -> None:
    from support.single_runs import prepared

    source = weights(folder / "source")
    file = tmp_path / f"weights.{'safetensors' if form == 'safetensors' else 'pth'}"
    if form == "safetensors":
        save_file(source, file)
    elif form == "lightning":
        inside = {f"net._orig_mod.{k}": one for k, one in source.items()}
        torch.save({"epoch": 3, "state_dict": inside}, file)
    else:
        prefix = "module." if form == "module" else ""
        torch.save({f"{prefix}{name}": one for name, one in source.items()}, file)
    words = [*COMMON, f"data.path={folder / 'old.csv'}", f"init.weights={file}"]
    plan = prepared(*words)[1]
    assert all(torch.equal(one, source[k]) for k, one in plan.model.state_dict().items())
    told = [note for note in plan.notes if "was taken off all of its names" in note]
    assert len(told) == (form in ("module", "lightning"))


def test_reproduce_asks_for_the_same_source_and_resume_for_none(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "source", tmp_path / "source")
    data = f"data.path={folder / 'old.csv'}"
    run = seedbed.train(
        *COMMON, data, f"init.run={tmp_path / 'source'}", BODY, directory=tmp_path / "run"
    )
    assert seedbed.reproduce(run.path)
    shutil.copy(run.path / "model.pth", tmp_path / "source" / "model.pth")
    with pytest.raises(CheckpointError, match="is not what it was"):
        seedbed.reproduce(run.path)
    shutil.rmtree(tmp_path / "source")
    with pytest.raises(CheckpointError, match="does not exist"):
        seedbed.reproduce(run.path)
    body = weights(run)["input_to_hidden_layer.weight"]
    longer = seedbed.resume(run.path, "trainer.epochs=5")
    assert isinstance(longer, Run)
    assert torch.equal(weights(longer)["input_to_hidden_layer.weight"], body)
    assert len(longer.history["epoch"]) == 5


def test_other_preprocessing_of_the_source_is_other_data(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "source", tmp_path / "source")
    data = f"data.path={folder / 'old.csv'}"
    source = f"init.run={tmp_path / 'source'}"
    run = seedbed.train(*COMMON, data, source, directory=tmp_path / "run")
    file = tmp_path / "source" / "preprocessing.json"
    plain = json.loads(file.read_text())
    plain["features"][0]["mean"] += 1.0
    file.write_text(json.dumps(plain))
    with pytest.raises(DataError, match="rows are not those of the run"):
        seedbed.reproduce(run.path)


def test_summary_of_a_run_tells_what_was_trained(folder: Path, tmp_path: Path) -> None:
    run = started(folder, tmp_path, BODY)
    summary = run.summary()
    assert summary.total - summary.trainable == 6 * 3 + 6 + 6 + 6


def names_of(modules: Sequence[nn.Module]) -> list[str]:
    return [type(one).__name__ for one in modules]


def test_layers_without_a_trainable_parameter_stay_in_evaluation_mode() -> None:
    body = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    model = nn.Sequential(body, nn.Linear(3, 1), nn.Dropout(0.5))
    for one in body.parameters():
        one.requires_grad_(False)
    assert names_of(frozen_layers(model)) == ["Sequential", "Linear", "BatchNorm1d"]
    set_training(model, frozen_eval=True)
    assert names_of([one for one in model.modules() if one.training]) == [
        "Sequential",
        "Linear",
        "Dropout",
    ]


def test_a_prefix_is_taken_off_only_where_no_name_fits_as_it_is() -> None:
    one = torch.zeros(1)
    assert without_prefix({"module.a.w": one, "module.b": one}, ["a.w"])[1] == "module."
    assert without_prefix({"module.a.w": one, "a.w": one}, ["a.w"])[1] == ""
    assert without_prefix({"x.a": one, "y.b": one}, ["a"])[1] == ""
    assert without_prefix({"x": one}, ["a"])[1] == ""
    assert without_prefix({"x.y.a": one, "n": one}, ["a"]) == ({"a": one, "n": one}, "x.y.")
    assert without_prefix({"x.a": one, "a": one}, ["b"])[1] == ""


def test_tied_weights_are_loaded_by_whichever_name_there_is() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(2, 2)
            self.two = self.one

    model, source = Tied(), {"one.weight": torch.ones(2, 2), "one.bias": torch.ones(2)}
    match = matched(model, source)
    assert [one.name for one in match.misfits] == ["two.weight", "two.bias"]
