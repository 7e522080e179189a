"""Rows of several tensors: the model is called by their form, and so it is everywhere."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from support.command_line import Command
from support.own_parts.sequences import Packed, Sequences
from support.ranked_runs import fork_always
from support.single_runs import Trained, prepared, same_weights, train
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from seedbed import load_run
from seedbed.errors import DataError, ModelError, RunDirectoryError

PARTS = "support.own_parts.sequences"
ROW = {"steps": [[1, 2, 3], [4, 5, 6]], "more": {"age": 2, "flag": True}}


@pytest.fixture(autouse=True)
def _allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBED_ALLOW", "support")


def words(kind: str = "mapping", model: str = "Packed", *more: str, **arguments: Any) -> list[str]:
    given = "".join(f",{key}:{value}" for key, value in arguments.items())
    return [
        "data=dataset",
        f"data.train={{_target_:{PARTS}.Sequences,kind:{kind}{given}}}",
        *("data.target=label", "data.split={validation:0.2}", "allow=[support]"),
        *(f"model._target_={PARTS}.{model}", "optimizer=adam", "optimizer.lr=0.02"),
        *("loader.batch_size=8", "trainer.epochs=2", *more),
    ]


PAD = "loader.collate=pad"


def by_hand(kind: str, run: Trained) -> list[float]:
    """The validation losses of a loop that was written out, from the same starting weights."""
    torch.manual_seed(0)
    model, rows = Packed(1), Sequences(kind=kind)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    loss = nn.BCEWithLogitsLoss()

    def outputs(some: list[int]) -> torch.Tensor:
        x = [rows[i][0] if kind != "mapping" else rows[i] for i in some]
        place: Any = {"alone": ..., "tuple": 0, "mapping": "steps"}[kind]
        steps = [torch.as_tensor(one[place]).float() for one in x]
        lengths = torch.tensor([len(one) for one in steps])
        padded = pad_sequence(steps, batch_first=True)
        if kind == "alone":
            return model(padded, lengths=lengths)
        if kind == "tuple":
            return model(padded, torch.tensor([one[1] for one in x]), lengths=lengths)
        more = {key: torch.tensor([one["more"][key] for one in x]) for key in ("age", "flag")}
        return model(padded, more=more, lengths=lengths)

    def target(some: list[int]) -> torch.Tensor:
        return torch.tensor([[float(i % 2)] for i in some])

    train_rows, val_rows = run.plan.data.train.rows, run.plan.data.validation.rows  # type: ignore[attr-defined,union-attr]
    found = []
    for epoch in range(2):
        order = run.plan.train.order(epoch, 0)  # type: ignore[attr-defined]
        for part in order.split(8):
            some = [train_rows[i] for i in part.tolist()]
            optimizer.zero_grad()
            loss(outputs(some), target(some)).backward()
            optimizer.step()
        with torch.no_grad():
            found.append(loss(outputs(val_rows), target(val_rows)).item())
    return found


@pytest.mark.parametrize("kind", ["alone", "tuple", "mapping"])
def test_rows_of_every_form_train_as_a_loop_by_hand(tmp_path: Path, kind: str) -> None:
    run = train(tmp_path / "run", *words(kind, "Packed", PAD))
    assert run.history["val/loss"] == pytest.approx(by_hand(kind, run), rel=1e-5)


def test_workers_read_the_same_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fork_always(monkeypatch)
    alone = train(tmp_path / "alone", *words("mapping", "Packed", PAD))
    workers = train(tmp_path / "two", *words("mapping", "Packed", PAD, "loader.num_workers=2"))
    assert same_weights(alone.weights, workers.weights)


def test_a_class_is_given_the_shapes_of_a_row() -> None:
    _, plan = prepared(*words("mapping", "Packed", PAD))
    assert plan.model.input_shape == {"steps": [-1, 3], "more": {"age": [], "flag": []}}
    assert plan.data.preprocessing.target == ["label"]


def test_a_run_predicts_inspects_and_is_summed_up(
    seedbed: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_ALLOW", "support")
    run = seedbed("train", *words("mapping", "Packed", PAD)).run
    long = {**ROW, "steps": [[0.5, 0, 1]] * 7}
    both = seedbed("predict", run, "--input", json.dumps([ROW, long]), "--json")
    one = seedbed("predict", run, "--input", json.dumps([ROW]), "--json")
    wide, alone = (json.loads(each.out)["probabilities"][0] for each in (both, one))
    assert wide == pytest.approx(alone, rel=1e-6)
    shown = seedbed("inspect", run, "--layer", "head", "--input", json.dumps([ROW]), "--json")
    logit = json.loads(shown.out)["layers"]["head"][0][0]
    assert torch.sigmoid(torch.tensor(logit)).item() == pytest.approx(alone[1], rel=1e-5)
    assert "Linear-2" in seedbed("summary", run).out
    assert seedbed("inspect", run, "--layers").out.split() == ["gru", "[16,", "6]", "head", "[1]"]
    shown = seedbed("inspect", *words("mapping", "Packed", PAD), "--batches", "--json")
    first = json.loads(shown.out)["batches"][0]["x"]
    assert len(first["lengths"]) == len(first["x"]["more"]["flag"]) == 8


def test_python_predicts_and_evaluates_rows_and_columns(tmp_path: Path) -> None:
    path = tmp_path / "run"
    train(path, *words("mapping", "Packed", PAD))
    rows = [Sequences(kind="mapping")[i] for i in range(10)]
    for row in rows:
        del row["label"]
    run = load_run(path)
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    assert run.predict(rows).values == run.predict(columns).values
    measured = run.evaluate(rows, ["down", "up"] * 5)
    hits = [p == t for p, t in zip(run.predict(rows).values, ["down", "up"] * 5, strict=True)]
    assert measured.metrics["accuracy"] == sum(hits) / 10
    assert run.activations(rows, "gru")["gru"].shape == (10, 8, 6)


@pytest.mark.parametrize("kind", ["alone", "tuple"])
def test_rows_of_one_tensor_and_of_tuples_are_predicted_from_lists(
    tmp_path: Path, kind: str
) -> None:
    run = train(tmp_path / "run", *words(kind, "Packed", PAD, "trainer.epochs=1"))
    rows = [Sequences(kind=kind)[i][0] for i in range(5)]
    given = [one.tolist() if kind == "alone" else [one[0].tolist(), one[1]] for one in rows]
    probabilities = load_run(tmp_path / "run").predict(given).probabilities
    assert probabilities == load_run(tmp_path / "run").predict(rows).probabilities
    steps = [torch.as_tensor(one if kind == "alone" else one[0]).float() for one in rows]
    age = None if kind == "alone" else torch.tensor([one[1] for one in rows])
    with torch.no_grad():
        logits = [
            run.plan.model(
                one[None], None if age is None else age[i : i + 1], lengths=torch.tensor([len(one)])
            )
            for i, one in enumerate(steps)
        ]
    own = torch.sigmoid(torch.cat(logits))[:, 0].tolist()
    assert [one[1] for one in probabilities] == pytest.approx(own, rel=1e-5)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"steps": ROW["steps"]}, "x has no 'more'; the run takes steps, more"),
        ({**ROW, "steps": [[1, 2]]}, r"x.steps must be (any, 3) float32, got the shape (1, 2)"),
        ({**ROW, "steps": []}, "x.steps must be (any, 3) float32, got the shape (0,)"),
        ({**ROW, "more": {"age": "old", "flag": 1}}, "x.more.age must be () float32, got 'old'"),
        ({**ROW, "more": {"age": 1, "flag": 7}}, "x.more.flag is bool, which cannot be 7"),
        ({**ROW, "odd": 1}, "x has the unknown key 'odd'; the run takes steps, more"),
        ([1, 2], "x must be a mapping with the keys steps, more, got [1, 2]"),
    ],
)
def test_a_row_to_predict_of_another_form_is_named(trained: Path, row: Any, told: str) -> None:
    with pytest.raises(DataError) as refused:
        load_run(trained).predict([ROW, row])
    assert str(refused.value) == f"rows: row 2: {told}"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nested") / "run"
    train(path, *words("mapping", "Packed", PAD, "trainer.epochs=1"))
    return path


REFUSED = {
    "keys": (
        ("mapping", "Packed", PAD),
        {"odd": 7},
        r"Sequences\[7\] gives x with the keys steps, row 0 with the keys steps, more",
    ),
    "a text": (
        ("tuple", "Packed", PAD),
        {"odd": 7},
        r"Sequences\[7\] must give x\.1 as a tensor, got str",
    ),
    "no steps": (("alone", "Packed", PAD), {"odd": 7}, r"Sequences\[7\] gives x of length 0"),
    "no collate": (
        ("mapping", "Packed"),
        {},
        r"Sequences\[\d\] gives x\.steps \(\d, 3\) float32, row 0 \(\d, 3\) float32; type "
        r"loader\.collate=pad",
    ),
    "one length": (
        ("mapping", "Packed", PAD),
        {"longest": 1},
        "nothing to fill up; type loader.collate=null",
    ),
    "a value": (
        ("two", "TwoLengths", PAD, "loader.pad_value=0.5"),
        {},
        "loader.pad_value=0.5 is no value of x.tokens, which is int64",
    ),
    "targets of other lengths": (
        ("targets", "Packed", PAD),
        {},
        r"gives y of shape \(\d,\), another row of shape \(\d,\); all have to be of one shape, "
        "as y is not padded",
    ),
    "two of one name": (
        ("points", "Packed"),
        {},
        r"Sequences\[0\] has two inputs that are x\.more\.age, as a point stands for .* rename",
    ),
    "no numbers": (
        ("'no numbers'", "Packed"),
        {},
        r"Sequences\[0\] gives x\.more without a number: its shape is \(3, 0\); leave it out",
    ),
    "no target": (
        ("mapping", "Packed", PAD, "data.target=labels"),
        {},
        "without 'labels', .* did you mean 'label'",
    ),
}


@pytest.mark.parametrize(("line", "arguments", "told"), REFUSED.values(), ids=REFUSED)
def test_a_row_that_cannot_be_used_is_named(
    line: tuple[str, ...], arguments: dict[str, int], told: str
) -> None:
    with pytest.raises(DataError, match=told):
        prepared(*words(*line, **arguments))


def test_a_model_that_takes_another_form_is_named_with_its_line() -> None:
    told = (
        r"Masked\.forward\(steps, mask, more\) \(.*sequences\.py, line \d+, in forward\) does not "
        r"take the data: an x that is a mapping is given as model\(steps=…, tokens=…, mask=…\)"
    )
    with pytest.raises(ModelError, match=told):
        prepared(*words("two", "Masked", PAD))


def test_an_input_that_no_call_can_name_is_refused() -> None:
    with pytest.raises(ModelError, match=r"x has an input 'self', .*; rename the key"):
        prepared(*words("self", "Masked", PAD))


def test_a_damaged_form_of_rows_is_refused(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "run")
    path = tmp_path / "run" / "preprocessing.json"
    plain = json.loads(path.read_text())
    plain["form"]["form"]["mapping"]["steps"]["shape"] = [-1, 2**40]
    path.write_text(json.dumps(plain))
    with pytest.raises(RunDirectoryError, match="whole numbers > 0, and not huge"):
        load_run(tmp_path / "run").predict([ROW])


@pytest.mark.parametrize("kind", ["user dict", "named tuple", "list", "turned"])
def test_other_mappings_tuples_and_lists_are_taken(kind: str) -> None:
    """As tokenizers give mappings that are no dict, and datasets of texts lists of numbers."""
    model = {"named tuple": "Packed", "user dict": "Packed", "list": "Tokens", "turned": "Packed"}[
        kind
    ]
    _, plan = prepared(*words(f"'{kind}'", model, PAD))
    x, y = next(plan.train.epoch(0))
    assert len(x.lengths) == len(y) == 8


def test_a_number_that_is_not_finite_is_found_in_packed_rows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watched = "trainer.detect_anomaly=true"
    train(tmp_path / "run", *words("mapping", "Packed", PAD, watched, bad="true"))
    assert "the input of 'gru' (GRU) is NaN, and no layer before it gave that" in caplog.text


def test_tensors_of_other_lengths_have_lengths_and_masks_by_name(tmp_path: Path) -> None:
    run = train(tmp_path / "run", *words("two", "TwoLengths", PAD))
    x, _ = next(run.plan.train.epoch(0))
    assert {name: mask.sum(1).tolist() for name, mask in x.mask.items()} == {
        name: one.tolist() for name, one in x.lengths.items()
    }
    assert run.plan.model.head.in_features == 6
    assert not any("looks at what" in note for note in run.plan.notes)


def test_a_model_that_looks_at_what_fills_rows_is_told_of() -> None:
    _, plan = prepared(*words("alone", "Careless", PAD))
    (note,) = (one for one in plan.notes if "looks at what shorter rows are filled with" in one)
    assert "let forward take `lengths` or `mask`" in note
    _, pooled = prepared(*words("alone", "Highest", PAD))
    assert any("looks at what shorter rows are filled with" in one for one in pooled.notes)
    _, careful = prepared(*words("alone", "Masked", PAD))
    assert not any("looks at what" in one for one in careful.notes)


@pytest.mark.parametrize("kept", ["true", "false"])
def test_lengths_that_differ_in_validation_alone_are_told_to_the_model(kept: str) -> None:
    rows = f"_target_:{PARTS}.Sequences,kind:both"
    apart = (f"data.validation={{{rows},odd:2}}", "data.split.validation=0")
    line = words("both", "Both", PAD, *apart, f"data.in_memory={kept}")
    _, plan = prepared(*line)
    x, _ = next(plan.splits["validation"].epoch(0))
    apart_by = (x.lengths["steps"] - x.lengths["again"]).tolist()
    assert [at for at, places in enumerate(apart_by) if places] == [2]
    assert torch.equal(x.mask["again"].sum(1), x.lengths["again"])


def test_rows_come_without_the_gradients_that_they_were_computed_with() -> None:
    _, plan = prepared(*words("learnt", "Packed", PAD))
    x, _ = next(plan.train.epoch(0))
    assert not x.x.requires_grad
