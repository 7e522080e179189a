"""The whole program, as it is typed: what each command prints, writes and ends with."""

import csv
import json
import re
from pathlib import Path

import pytest
import torch
import yaml

from seedbed.cli.main import COMMANDS

FILES = {
    ".hydra/config.yaml",
    ".hydra/hydra.yaml",
    ".hydra/overrides.yaml",
    "checkpoints/best.pt",
    "checkpoints/last.pt",
    "config.yaml",
    "environment.json",
    "events.out.tfevents",
    "history.csv",
    "loss.png",
    "model.pth",
    "preprocessing.json",
    "result.json",
    "run.log",
    "status.json",
}
"""What the contract says a run leaves."""

WEIGHTS = {
    "custom": {
        "input_to_hidden_layer.weight": (8, 2),
        "input_to_hidden_layer.bias": (8,),
        "hidden_to_output_layer.weight": (1, 8),
        "hidden_to_output_layer.bias": (1,),
    },
    "manual": {"input_to_hidden_layer": (2, 8), "hidden_to_output_layer": (8, 1)},
    "sequential": {"0.weight": (8, 2), "0.bias": (8,), "2.weight": (1, 8), "2.bias": (1,)},
}
"""The names and shapes of the article."""


def files_in(run: Path) -> list[str]:
    """Names below a run directory; an event file without its time and machine."""
    names = [str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()]
    return sorted(re.sub(r"^(events\.out\.tfevents)\..*", r"\1", name) for name in names)


def read_json(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("loader", ["loader=full_batch", "loader.batch_size=2"])
@pytest.mark.parametrize("style", WEIGHTS)
def test_train_leaves_every_file_of_the_contract(seedbed, style: str, loader: str) -> None:
    result = seedbed("train", f"model={style}", loader, "trainer.epochs=3")
    assert result.code == 0
    assert result.err == ""
    assert result.out.splitlines()[-1].startswith("run: outputs/sum/")
    assert files_in(result.run) == sorted(FILES)
    assert read_json(result.run / "status.json")["status"] == "completed"
    ended = read_json(result.run / "result.json")
    steps = 3 if loader == "loader=full_batch" else 6
    assert (ended["status"], ended["epochs"], ended["steps"]) == ("completed", 3, steps)
    assert ended["engine"] == "single"
    history = read_csv(result.run / "history.csv")
    assert list(history[0]) == ["epoch", "step", "train/loss", "lr", "seconds"]
    assert [row["step"] for row in history] == [str(steps // 3 * (epoch + 1)) for epoch in range(3)]
    weights = torch.load(result.run / "model.pth", weights_only=True)
    assert {name: tuple(tensor.shape) for name, tensor in weights.items()} == WEIGHTS[style]
    assert ended["parameters"] == sum(tensor.numel() for tensor in weights.values())


def test_the_config_of_a_run_is_kept_as_typed_and_as_resolved(seedbed) -> None:
    words = ["optimizer=adam", "scheduler=cosine", "trainer.epochs=2"]
    run = seedbed("train", *words).run
    assert yaml.safe_load((run / ".hydra/overrides.yaml").read_text()) == words
    as_written = yaml.safe_load((run / ".hydra/config.yaml").read_text())
    assert as_written["scheduler"]["T_max"] == "${trainer.epochs}"
    assert yaml.safe_load((run / "config.yaml").read_text())["scheduler"]["T_max"] == 2


def test_two_runs_never_share_a_directory(seedbed) -> None:
    first, second = (seedbed("train", "trainer.epochs=1").run for _ in range(2))
    assert first != second
    assert first.parent == second.parent


def test_a_run_that_diverges_says_so_and_ends_with_1(seedbed) -> None:
    result = seedbed("train", "optimizer.lr=1e30", "trainer.epochs=2")
    assert result.code == 1
    assert "diverged: train/loss is inf" in result.errors[0]
    assert "type a smaller optimizer.lr" in result.errors[0]
    assert read_json(result.run / "result.json")["status"] == "diverged"


def test_the_examples_that_a_run_ends_with_can_be_typed(seedbed) -> None:
    import shlex

    ended = seedbed("train", "trainer.epochs=1")
    typed = re.findall(r"^  \w.*?  +\S*seedbed (.+)$", ended.out, flags=re.MULTILINE)
    assert [shlex.split(line)[0] for line in typed] == ["predict", "inspect", "dashboard"]
    for line in typed:
        command = shlex.split(line)
        more = ["--optuna", "runs.log"] if command[0] == "dashboard" else []  # else it would serve
        assert seedbed(*command, *more).code == 0


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(seedbed, command: str) -> None:
    result = seedbed(command, "--help")
    assert result.code == 0
    assert f"example: seedbed {command} " in result.out


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]], ids=str)
def test_help_lists_every_command(seedbed, words: list[str]) -> None:
    result = seedbed(*words)
    assert result.code == 0
    assert [name for name in COMMANDS if f"  {name} " not in result.out] == []
    assert "example: seedbed train " in result.out


def test_the_program_runs_as_a_module(seedbed_process) -> None:
    result = seedbed_process("--version")
    assert result.code == 0
    assert re.fullmatch(r"seedbed \d+\.\d+\.\d+\n", result.out)


# JSON


def test_predict_gives_numbers_as_json(seedbed, sum_run: Path) -> None:
    result = seedbed("predict", sum_run, "--input", "[[10, 11], [1, 2]]", "--json")
    weights = torch.load(sum_run / "model.pth", weights_only=True)
    inputs = torch.tensor([[10.0, 11.0], [1.0, 2.0]])
    hidden = inputs @ weights["input_to_hidden_layer.weight"].T
    hidden = torch.relu(hidden + weights["input_to_hidden_layer.bias"])
    expected = hidden @ weights["hidden_to_output_layer.weight"].T
    expected += weights["hidden_to_output_layer.bias"]
    answer = json.loads(result.out)
    assert list(answer) == ["predictions"]
    assert torch.tensor(answer["predictions"]).allclose(expected)


def test_predict_gives_classes_as_json(seedbed, table_run: Path) -> None:
    result = seedbed("predict", table_run, "--input", '[[1, 2, "red"]]', "--json")
    answer = json.loads(result.out)
    assert list(answer) == ["predictions", "probabilities", "classes"]
    assert answer["classes"] == ["a", "b"]
    (probabilities,) = answer["probabilities"]
    assert sum(probabilities) == pytest.approx(1)
    assert answer["predictions"] == [answer["classes"][probabilities.index(max(probabilities))]]


def test_inspect_gives_layers_as_json(seedbed, sum_run: Path) -> None:
    words = ["--layer", "hidden_layer_activation", "--layer", "input_to_hidden_layer"]
    result = seedbed("inspect", sum_run, *words, "--input", "[[1, 2]]", "--json")
    answer = json.loads(result.out)
    assert {"output", "layers"} <= answer.keys()
    assert list(answer["layers"]) == words[1::2]
    before, after = (answer["layers"][name][0] for name in reversed(words[1::2]))
    assert after == [max(0, value) for value in before]


def test_inspect_gives_weights_as_json(seedbed, sum_run: Path) -> None:
    answer = json.loads(seedbed("inspect", sum_run, "--weights", "--json").out)
    weights = torch.load(sum_run / "model.pth", weights_only=True)
    assert list(answer) == list(weights)
    for name, tensor in weights.items():
        assert answer[name]["shape"] == list(tensor.shape)
        assert torch.tensor(answer[name]["values"]).equal(tensor)


@pytest.mark.parametrize("of", ["a run", "overrides"])
def test_summary_gives_totals_as_json(seedbed, sum_run: Path, of: str) -> None:
    words = [sum_run] if of == "a run" else ["model=custom", "loader.batch_size=4"]
    answer = json.loads(seedbed("summary", *words, "--json").out)
    assert (answer["total"], answer["trainable"]) == (33, 33)
    assert [layer["parameters"] for layer in answer["layers"]] == [24, 0, 9]


@pytest.mark.parametrize("words", [["inspect", "--weights"], ["summary"]], ids=" ".join)
def test_a_job_that_a_sweep_does_not_have_is_no_override(seedbed, words: list[str]) -> None:
    Path("many/30_seed=3").mkdir(parents=True)
    Path("many/sweep.json").write_text("{}")
    result = seedbed(*words, "many/3_seed=3")
    assert result.code == 2
    (error,) = result.errors
    assert error == "error: run directory 'many/3_seed=3' does not exist; did you mean '30_seed=3'?"


def test_validate_gives_json_and_writes_nothing(seedbed, tmp_path: Path) -> None:
    answer = json.loads(seedbed("validate", "trainer.epochs=3", "--json").out)
    assert answer == {"valid": True, "parameters": 33, "rows": 4}
    assert list(tmp_path.iterdir()) == []


def test_plot_gives_its_file_as_json(seedbed, sum_run: Path, table_run: Path) -> None:
    result = seedbed("plot", sum_run, "--output", "both.png", table_run, "--json")
    assert json.loads(result.out) == {"figure": "both.png"}
    assert (result.folder / "both.png").read_bytes().startswith(b"\x89PNG")


def test_predictions_of_a_file_are_written_beside_its_columns(
    seedbed, tmp_path: Path, table_run: Path
) -> None:
    (tmp_path / "new.csv").write_text("color,h,w,note\nred,1,2,x\nblue,3,4,y\n")
    result = seedbed("predict", table_run, "--file", "new.csv", "--output", "out.csv")
    assert result.code == 0
    rows = read_csv(tmp_path / "out.csv")
    assert [row["note"] for row in rows] == ["x", "y"]
    assert list(rows[0])[4:] == ["kind_prediction", "probability_a", "probability_b"]


# Hydra's flags


def test_the_config_that_is_shown_is_the_one_that_is_run(seedbed) -> None:
    shown = seedbed("train", "--cfg", "job", "scheduler=cosine", "trainer.epochs=2")
    assert shown.code == 0
    assert yaml.safe_load(shown.out)["scheduler"]["T_max"] == "${trainer.epochs}"
    resolved = seedbed("train", "scheduler=cosine", "--cfg", "job", "--resolve", "trainer.epochs=2")
    run = seedbed("train", "scheduler=cosine", "trainer.epochs=2").run
    assert yaml.safe_load(resolved.out) == yaml.safe_load((run / "config.yaml").read_text())


def test_one_group_of_the_config_is_shown(seedbed) -> None:
    result = seedbed("train", "--cfg", "job", "--package", "optimizer", "optimizer=adamw")
    assert yaml.safe_load(result.out.partition("\n")[2])["weight_decay"] == 0.01


def test_a_config_with_values_still_to_be_given_is_shown(seedbed) -> None:
    result = seedbed("train", "--cfg", "job", "data=csv")
    assert result.code == 0
    assert yaml.safe_load(result.out)["data"]["path"] == "???"


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["--info", "defaults"], "model/custom"),
        (["--info", "searchpath"], "main"),
        (["--hydra-help"], "--multirun"),
        (
            ["--help"],
            "optimizer: adadelta, adafactor, adagrad, adam, adamax, adamw, asgd, lion",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_the_flags_of_hydra_work(seedbed, words: list[str], shown: str) -> None:
    result = seedbed("train", *words)
    assert result.code == 0
    assert shown in result.out
    assert result.err == ""


# Sweeps


def test_a_sweep_runs_every_combination(seedbed) -> None:
    result = seedbed("train", "trainer.epochs=1", "-m", "model=custom,manual", "seed=1,2")
    assert result.code == 0
    assert result.out.splitlines()[-1].startswith("sweep: outputs/sum/sweep_")
    jobs = read_json(result.sweep / "sweep.json")["jobs"]
    combinations = [job["overrides"][1:] for job in jobs]
    assert combinations == [
        ["model=custom", "seed=1"],
        ["model=custom", "seed=2"],
        ["model=manual", "seed=1"],
        ["model=manual", "seed=2"],
    ]
    assert [job["number"] for job in jobs] == [0, 1, 2, 3]
    assert [job["status"] for job in jobs] == ["completed"] * 4
    for job in jobs:
        assert files_in(result.sweep / job["directory"]) == sorted(FILES - {"loss.png"})
        assert re.match(r"\d+_\S+$", job["directory"])
    rows = read_csv(result.sweep / "results.csv")
    assert [(row["model"], row["seed"]) for row in rows] == [
        tuple(word.partition("=")[2] for word in words) for words in combinations
    ]
    for row in rows:
        ended = read_json(result.sweep / row["directory"] / "result.json")
        assert float(row["train/loss"]) == ended["metrics"]["train/loss"]
    multirun = yaml.safe_load((result.sweep / "multirun.yaml").read_text())
    assert "model=custom,manual" in multirun["hydra"]["overrides"]["task"]


def test_a_job_of_a_sweep_is_the_run_of_its_own(seedbed) -> None:
    sweep = seedbed("train", "-m", "trainer.epochs=2", "seed=3,4").sweep
    run = seedbed("train", "trainer.epochs=2", "seed=4").run
    (job,) = [job for job in sweep.iterdir() if job.name.startswith("1_")]
    mine, theirs = (torch.load(path / "model.pth", weights_only=True) for path in (run, job))
    assert all(mine[name].equal(theirs[name]) for name in mine)


def test_curves_of_a_sweep_are_drawn_when_asked_for(seedbed) -> None:
    sweep = seedbed("train", "-m", "trainer.epochs=1", "seed=3,4", "sweep.plot=true").sweep
    assert len(list(sweep.glob("*/loss.png"))) == 2


def test_a_job_that_fails_is_recorded_and_the_others_run(seedbed) -> None:
    result = seedbed("train", "-m", "trainer.epochs=9", "optimizer.lr=1e6,1e-3")
    assert result.code == 1
    failed, completed = read_json(result.sweep / "sweep.json")["jobs"]
    assert [failed["status"], completed["status"]] == ["diverged", "completed"]
    assert "train/loss is inf" in failed["error"]
    status = read_json(result.sweep / failed["directory"] / "status.json")
    assert status["status"] == "diverged"
    assert [row["status"] for row in read_csv(result.sweep / "results.csv")] == [
        "diverged",
        "completed",
    ]
    assert "1 of 2 jobs did not complete:" in result.out
    assert result.out.splitlines()[-1].startswith("sweep: ")


def test_a_sweep_stops_at_a_failed_job_when_told_to(seedbed) -> None:
    words = ["trainer.epochs=9", "optimizer.lr=1e6,1e-3", "sweep.on_error=stop"]
    for fuse, second in (("never", "pending"), ("always", "completed")):  # together both end
        result = seedbed("train", "-m", *words, f"sweep.fuse={fuse}")
        assert result.code == 1
        jobs = read_json(result.sweep / "sweep.json")["jobs"]
        assert [job["status"] for job in jobs] == ["diverged", second]


def test_a_wrong_value_is_refused_before_any_job_starts(seedbed, tmp_path: Path) -> None:
    result = seedbed("train", "-m", "trainer.epochs=1", "optimizer.lr=0.1,abc", "seed=1,-1")
    assert result.code == 2
    assert result.errors == [
        "error: job 1 (trainer.epochs=1 optimizer.lr=0.1 seed=-1) and 1 more job: seed must be a "
        "whole number >= 0 and < 9.22337e+18, got -1",
        "error: job 2 (trainer.epochs=1 optimizer.lr=abc seed=1) and 1 more job: optimizer.lr must "
        "be a number > 0, got 'abc'",
    ]
    assert list(tmp_path.rglob("*")) == []


def test_a_directory_that_holds_a_sweep_is_left_as_it_is(seedbed) -> None:
    words = ["-m", "trainer.epochs=1", "hydra.sweep.dir=mine"]
    sweep = seedbed("train", *words, "seed=1,2").sweep
    before = (sweep / "multirun.yaml").read_bytes()
    result = seedbed("train", *words, "seed=3,4")
    assert result.code == 2
    assert result.errors == [
        "error: 'mine' holds a sweep already; type another hydra.sweep.dir, or seedbed resume mine"
    ]
    assert (sweep / "multirun.yaml").read_bytes() == before
