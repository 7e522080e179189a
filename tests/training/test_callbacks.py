"""Callbacks hear of a run, change nothing of it, and may ask it to stop."""

import json
from pathlib import Path

import pytest
import torch
from support.composing import composed_quickly
from support.own_parts import callbacks
from support.ranked_runs import fork_always, on_ranks
from support.single_runs import Trained, prepared, train

import seedbed
from seedbed.errors import CheckpointError, OwnCodeError, SeedbedError
from seedbed.fused.fusion_key import fusion_blocker

OWN = "support.own_parts.callbacks"
IRIS = ["data=sklearn", "trainer.epochs=3", "loader.batch_size=32", "allow=[support.own_parts]"]


def heard_by(name: str, **keys: object) -> str:
    more = "".join(f",{key}:{value}" for key, value in keys.items())
    return f"callbacks=[{{_target_:{OWN}.{name}{more}}}]"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEDBED_ALLOW", "support.own_parts")
    callbacks.HEARD.clear()


def named(run: str | None = None) -> list[str]:
    return [one[0] for one in callbacks.HEARD if run is None or one[1] == run]


def same(one: Trained, other: Trained) -> bool:
    alike = (torch.equal(weight, other.weights[name]) for name, weight in one.weights.items())
    return all(alike) and one.history == other.history


def test_events_come_in_order_and_change_nothing(tmp_path: Path) -> None:
    words = [*IRIS, "trainer.checkpoint_every=2", "model.dropout=0.3"]
    heard = train(tmp_path / "heard", *words, heard_by("Hears"))
    events = list(callbacks.HEARD)
    assert named() == ["run_start", "epoch_end", "epoch_end", "checkpoint", "epoch_end", "run_end"]
    assert [one[4] for one in events] == [1, 2, 3, 4, 5, 6]
    assert [one[2] for one in events] == [0, 1, 2, 2, 3, 3]
    assert events[1][6]["val/loss"] == heard.history["val/loss"][0]
    assert set(events[1][6]) == {*heard.history} - {"epoch", "step"}
    assert (events[-1][5], events[-1][6]) == ("completed", heard.result["metrics"])
    for name, weight in heard.weights.items():
        assert torch.equal(events[-1][7][name], weight)
    assert same(heard, train(tmp_path / "alone", *words))
    assert heard.result["callbacks"] == [f"{OWN}.Hears"]


def test_run_stops_where_a_callback_asks_and_is_reproduced(tmp_path: Path) -> None:
    run = seedbed.train(*IRIS, heard_by("stops", epoch=2), directory=tmp_path / "run")
    result = json.loads((run.path / "result.json").read_text())
    assert (result["epochs"], result["stopped_by"]) == (2, f"{OWN}.stops: epoch 2 is enough")
    assert run.status == "completed"
    assert seedbed.reproduce(run.path).identical
    with pytest.raises(SeedbedError, match="stops: epoch 2 is enough, and more epochs change"):
        seedbed.resume(run.path, "trainer.epochs=5")


def test_stop_after_a_step_ends_the_epoch_there(tmp_path: Path) -> None:
    found = train(tmp_path / "run", *IRIS, heard_by("Steps", last=5))
    assert [step for step, _ in callbacks.HEARD] == [1, 2, 3, 4, 5]
    assert (found.result["steps"], found.result["epochs"]) == (5, 2)
    capped = train(tmp_path / "capped", *IRIS, "trainer.max_steps=5")
    assert same(found, capped)
    assert callbacks.HEARD[3][1]["train/loss"] == pytest.approx(
        found.history["train/loss"][0], rel=0.5
    )


def test_stack_calls_each_run_with_its_own(tmp_path: Path) -> None:
    words = [*IRIS, "seed=1,2", "sweep.fuse=always", "sweep.workers=0"]
    two = f"callbacks=[{{_target_:{OWN}.Hears}},{{_target_:{OWN}.stops,epoch:2}}]"
    sweep = seedbed.sweep(*words, two, directory=tmp_path / "sweep")
    assert len(sweep) == 2
    for run in sweep:
        assert named(run.path.name) == ["run_start", "epoch_end", "epoch_end", "run_end"]
        own = [one for one in callbacks.HEARD if one[1] == run.path.name]
        assert own[1][6]["val/loss"] == run.history["val/loss"][0]
        weights = torch.load(run.path / "model.pth", weights_only=True)
        assert all(torch.equal(own[-1][7][name], weight) for name, weight in weights.items())
        result = json.loads((run.path / "result.json").read_text())
        assert (result["engine"], result["epochs"]) == ("fused", 2)
        assert result["stopped_by"] == f"{OWN}.stops: epoch 2 is enough"


def test_callback_of_each_step_keeps_runs_from_fusing() -> None:
    config = composed_quickly([*IRIS, heard_by("Steps")]).config
    assert fusion_blocker(config) == f"the callback {OWN}.Steps hears of every step of a run"
    config = composed_quickly([*IRIS, heard_by("stops", on="[step_end]")]).config
    assert fusion_blocker(config) is not None
    config = composed_quickly([*IRIS, heard_by("Hears")]).config
    assert fusion_blocker(config) is None


def test_state_is_resumed_after_a_failure(tmp_path: Path, monkeypatch) -> None:
    words = [*IRIS, heard_by("Hears"), "trainer.checkpoint_every=1"]
    whole = train(tmp_path / "whole", *words)
    expected = [one[:5] for one in callbacks.HEARD if one[2] > 1]
    callbacks.HEARD.clear()
    hear = callbacks.Hears.hear

    def fails(self: callbacks.Hears, event: object) -> None:
        if getattr(event, "epoch", 0) == 2:
            raise KeyError("broken")
        hear(self, event)

    monkeypatch.setattr(callbacks.Hears, "epoch_end", fails)
    with pytest.raises(KeyError, match="broken"):
        train(tmp_path / "run", *words)
    status = json.loads((tmp_path / "run" / "status.json").read_text())
    assert status["status"] == "failed"
    assert "KeyError: 'broken' (" in status["error"]
    monkeypatch.setattr(callbacks.Hears, "epoch_end", hear)
    callbacks.HEARD.clear()
    run = seedbed.resume(tmp_path / "run")
    assert callbacks.HEARD[0][:5] == ("run_start", "run", 1, callbacks.HEARD[0][3], 3)
    told = [(*one[:1], "whole", *one[2:5]) for one in callbacks.HEARD[1:]]
    assert [one[0] for one in told] == [one[0] for one in expected]
    assert run.metrics == whole.result["metrics"]


def test_what_was_asked_before_a_kill_is_asked_no_more(tmp_path: Path, monkeypatch) -> None:
    """The last checkpoint before the end is that of the epoch which was asked to be the last."""
    words = [*IRIS, heard_by("stops", epoch=2), "trainer.checkpoint_every=1"]

    def killed(self: object, training: object, ended: object) -> None:
        raise KeyError("killed")

    with monkeypatch.context() as patch:
        patch.setattr("seedbed.recording.directory.DirectoryRecorder.ended", killed)
        with pytest.raises(KeyError, match="killed"):
            train(tmp_path / "run", *words)
    run = seedbed.resume(tmp_path / "run")
    result = json.loads((run.path / "result.json").read_text())
    assert (result["epochs"], result["stopped_by"]) == (2, f"{OWN}.stops: epoch 2 is enough")


def test_first_rank_alone_calls_and_all_stop(tmp_path: Path, monkeypatch) -> None:
    fork_always(monkeypatch)
    two = f"callbacks=[{{_target_:{OWN}.Hears}},{{_target_:{OWN}.stops,epoch:1}}]"
    found = on_ranks(tmp_path / "run", 2, *IRIS, two)
    assert named() == ["run_start", "epoch_end", "run_end"]
    assert (found.result["epochs"], found.result["ranks"]) == (1, 2)


@pytest.mark.parametrize(
    ("word", "match"),
    [
        (heard_by("returns"), "returns True at epoch_end; a callback returns nothing, or a text"),
        (heard_by("returns", on="run_start"), "returns True at run_start; a run is asked to stop"),
        (heard_by("Writes"), "changes 'input_to_hidden_layer.weight' of event.model at epoch_end"),
    ],
)
def test_what_a_callback_may_not_do_fails_the_run(tmp_path: Path, word: str, match: str) -> None:
    with pytest.raises(OwnCodeError, match=match):
        train(tmp_path / "run", *IRIS, word)
    assert json.loads((tmp_path / "run" / "status.json").read_text())["status"] == "failed"


@pytest.mark.parametrize(
    ("word", "match"),
    [
        (heard_by("OfNothing"), "hears of nothing: it has no method.*did you mean 'epoch_end'"),
        (heard_by("TakesMore"), "TakesMore.epoch_end is called with the event alone"),
        (heard_by("HalfAState"), "one of state_dict and load_state_dict"),
        (heard_by("StrangeState"), "its state_dict holds a set"),
        (heard_by("stops", epohc=2), "epohc.*did you mean 'epoch'"),
        (heard_by("epochs", epohc=2), "stops.* is called with the event and epohc.*mean 'epoch'"),
        (heard_by("stops", on="epochend"), "on must be of run_start.*did you mean 'epoch_end'"),
        (heard_by("stops", on="[]"), "on names no event.*type on: epoch_end"),
        (heard_by("Hears", on="epoch_end"), "on is for a function"),
        (heard_by("Heers"), "no class and no function 'Heers'.*did you mean 'Hears'"),
        ("callbacks=[{path:a.csv}]", r"callbacks\[0\]._target_ must name a class"),
        ("callbacks=[{_target_:os.system}]", "'os.system' is not allowed"),
    ],
    ids=range(12),
)
def test_bad_callback_is_refused_before_training(word: str, match: str) -> None:
    with pytest.raises(SeedbedError, match=match):
        prepared(*IRIS, word)


@pytest.mark.parametrize("name", ["bends", "strays"])
def test_what_a_callback_sets_for_the_process_is_put_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = torch.get_default_dtype(), torch.get_num_threads()
    try:
        train(Path("run"), *IRIS, heard_by(name))
        assert (torch.get_default_dtype(), torch.get_num_threads()) == before
        assert Path.cwd() == tmp_path
    finally:
        torch.set_default_dtype(before[0])
        torch.set_num_threads(before[1])


def test_packed_sweep_is_refused_beside_callbacks() -> None:
    with pytest.raises(SeedbedError, match="packed makes no folder for a run"):
        composed_quickly([*IRIS, heard_by("Hears"), "sweep.layout=packed"])


def test_checkpoint_of_other_callbacks_is_refused() -> None:
    from seedbed.training.callbacks import Callbacks

    with pytest.raises(CheckpointError, match="of other callbacks"):
        Callbacks({0: []}, {}, lambda: torch.nn.Identity()).load(0, [None])
