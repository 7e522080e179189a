"""Keys of Hydra's own are obeyed, or refused by name: none is taken in silence."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf

from seedbed.compose.hydra_keys import FILLED, FIXED, OBEYED

REFUSED = {
    "hydra.job.chdir=true": "hydra.job.chdir is not supported",
    "hydra.output_subdir=other": "hydra.output_subdir is not supported",
    "hydra.verbose=true": "hydra.verbose is not supported",
    "hydra/job_logging=default": "hydra.job_logging is not supported",
    "hydra/hydra_logging=default": "hydra.hydra_logging is not supported",
    "+hydra.job.env_set.WORD=1": "hydra.job.env_set is not supported",
    "hydra.job.env_copy=[NO_SUCH_WORD]": "no environment variable 'NO_SUCH_WORD'",
    "hydra.job.num=3": "hydra.job.num is filled in by Hydra",
    "hydra.job.id=mine": "hydra.job.id is filled in by Hydra",
    "hydra.runtime.cwd=here": "hydra.runtime.cwd is filled in by Hydra",
    "hydra.searchpath=[nowhere]": "hydra.searchpath: no folder 'nowhere'",
    "hydra.searchpath=[pkg://nowhere]": "hydra.searchpath: no package 'nowhere'",
    "hydra.launcher=null": "hydra.launcher: 'None' is no launcher",
    "hydra.launcher._target_=os.getcwd": "hydra.launcher: 'os.getcwd' is no launcher",
    "hydra.sweeper=null": "hydra/sweeper: 'None' is not supported",
    "hydra.run.dir=null": "hydra.run.dir must be a text, got null; type hydra.run.dir=FOLDER",
    "hydra.mode=FOO": "hydra.mode must be one of RUN, MULTIRUN or null, got 'FOO'",
    "hydra/sweeper=basic": "hydra/sweeper:",
    "+hydra.foo=1": "no key 'hydra.foo'",
    "+hydra.job.nmae=x": "no key 'hydra.job.nmae'; did you mean 'hydra.job.name'?",
    "+hydra.launcher.n_jobs=2": "hydra.launcher.n_jobs is another launcher's",
    "hydra.run=3": "hydra.run must be a mapping with the keys dir, got 3; type hydra.run.dir=",
    "hydra.job.name=[a]": "hydra.job.name must be a text, got ['a']; type hydra.job.name=TEXT",
    "hydra.job.env_copy=HOME": "must be a list, got 'HOME'; type 'hydra.job.env_copy=[HOME]'",
    "hydra.searchpath=x": "hydra.searchpath must be a list, got 'x'; type 'hydra.searchpath=[x]'",
    "hydra.callbacks=x": "hydra.callbacks must be a mapping, got 'x'; type +hydra.callbacks.NAME=",
    "hydra.sweeper.max_batch_size=2": "hydra.sweeper.max_batch_size is not supported",
}

CALLBACKS = """
from hydra.experimental.callback import Callback


class Diary(Callback):
    def on_run_start(self, config, **_):
        print("run starts", config.seed)

    def on_job_start(self, config, *, task_function, **_):
        print("job starts")

    def on_job_end(self, config, job_return, **_):
        print("job ends", job_return.status.name)

    def on_run_end(self, config, **_):
        raise ValueError("too bad")
"""


def _leaves(node: Any, path: str = "") -> Iterator[str]:
    if not isinstance(node, DictConfig) or not node:
        yield path
        return
    for key in node:
        inner = node._get_node(key)
        yield from _leaves(inner, f"{path}.{key}" if path else str(key))


def test_every_key_of_hydras_own_tree_is_decided_on() -> None:
    known = (*OBEYED, *FILLED, *FIXED)
    leaves = [*_leaves(OmegaConf.structured(HydraConf)), "sweeper.params", "launcher"]
    assert len(leaves) > 30
    open_ones = [
        leaf for leaf in leaves if not any(f"{leaf}.".startswith(f"{key}.") for key in known)
    ]
    assert open_ones == ["defaults", "sweeper"]  # the list of options, and what holds the keys


@pytest.mark.parametrize("word", REFUSED)
@pytest.mark.parametrize("sweep", [[], ["-m", "seed=1,2"]], ids=["run", "sweep"])
def test_a_key_that_is_not_obeyed_is_refused(seedbed: Callable, word: str, sweep: list) -> None:
    result = seedbed("train", *sweep, "trainer.epochs=1", word)
    assert result.code == 2
    assert len(result.err.splitlines()) == 1
    assert REFUSED[word] in result.errors[0]
    assert not Path("outputs").exists()


def test_a_key_in_yaml_is_refused_as_well(seedbed: Callable) -> None:
    Path("conf").mkdir()
    text = "defaults: [seedbed, _self_]\nhydra: {job: {chdir: true}}\n"
    Path("conf/config.yaml").write_text(text)
    result = seedbed("validate")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "hydra.job.chdir is not supported" in result.errors[0]


def test_one_job_of_a_sweep_cannot_have_a_key_of_hydras(seedbed: Callable) -> None:
    result = seedbed("train", "-m", "sweep.settings=[{hydra.job.name: a}, {seed: 2}]")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "cannot be one job's" in result.errors[0]


def test_output_subdir_null_leaves_the_folder_out(seedbed: Callable) -> None:
    words = ["trainer.epochs=1", "hydra.output_subdir=null"]
    assert not (seedbed("train", *words).run / ".hydra").exists()
    sweep = seedbed("train", "-m", "seed=1,2", *words).sweep
    assert len(list(sweep.glob("*/result.json"))) == 2
    assert not list(sweep.glob("*/.hydra"))


@pytest.mark.parametrize("fuse", ["auto", "always", "never"])
def test_the_sweeps_subdir_names_the_jobs_folders(seedbed: Callable, fuse: str) -> None:
    word = "hydra.sweep.subdir=job${hydra.job.num}-${seed}-${optimizer.lr}"
    result = seedbed("train", "-m", "seed=5,6", "trainer.epochs=1", f"sweep.fuse={fuse}", word)
    assert result.code == 0, result.err
    folders = sorted(path.parent.name for path in result.sweep.glob("*/result.json"))
    assert folders == ["job0-5-0.001", "job1-6-0.001"]
    jobs = json.loads((result.sweep / "sweep.json").read_text())["jobs"]
    assert [job["directory"] for job in jobs] == folders
    assert seedbed("resume", result.sweep).out.startswith("complete already")


def test_hydras_own_resolvers_name_the_jobs_folders(seedbed_process: Callable) -> None:
    word = "hydra.sweep.subdir=${seed}-${now:%Y}-${hydra:job.num}"
    result = seedbed_process("train", "-m", "seed=5,6", "trainer.epochs=1", word)
    assert result.code == 0, result.err
    folders = sorted(path.parent.name for path in result.sweep.glob("*/result.json"))
    year = json.loads((result.sweep / folders[0] / "status.json").read_text())["started"][:4]
    assert folders == [f"5-{year}-0", f"6-{year}-1"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["hydra.run.dir=a/${nope}"], "hydra.run.dir: Interpolation key 'nope' not found"),
        (["hydra.run.dir=${oc.env:NOPE}"], "Environment variable 'NOPE' not found"),
        (["-m", "hydra.sweep.dir=${nope}"], "hydra.sweep.dir: Interpolation key 'nope' not"),
        (["-m", "hydra.sweep.subdir=${seed}${no}"], "hydra.sweep.subdir: Interpolation key 'no'"),
        (["-m", "hydra.sweep.dir=${no:a}"], "hydra.sweep.dir: Unsupported interpolation type no"),
    ],
)
def test_a_folder_that_stands_for_nothing_is_told(
    seedbed: Callable, words: list[str], message: str
) -> None:
    result = seedbed("train", *words, "trainer.epochs=1")
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert message in result.errors[0]
    assert not Path("outputs").exists()


def test_hydras_own_subdir_is_obeyed_where_it_is_typed(seedbed: Callable) -> None:
    word = "hydra.sweep.subdir=${hydra.job.num}"
    result = seedbed("train", "-m", "seed=5,6", "trainer.epochs=1", word)
    assert sorted(path.parent.name for path in result.sweep.glob("*/result.json")) == ["0", "1"]


@pytest.mark.parametrize(
    ("subdir", "message"),
    [
        ("same", "jobs 0 and 1 the same folder 'same'"),
        ("${seed}/x", "'1/x', which is not the name of one folder"),
        ("..", "'..', which is not the name of one folder"),
        ("sweep.json", "'sweep.json', which is not the name"),
        ("''", "'', which is not the name"),
    ],
)
def test_a_subdir_that_cannot_be_is_refused(seedbed: Callable, subdir: str, message: str) -> None:
    result = seedbed("train", "-m", "seed=1,2", f"hydra.sweep.subdir={subdir}")
    assert (result.code, len(result.errors)) == (2, 1)
    assert message in result.errors[0]
    assert not Path("outputs").exists()


def test_the_mode_makes_a_sweep(seedbed: Callable) -> None:
    words = ["seed=1,2", "trainer.epochs=1"]
    assert len(list(seedbed("train", "hydra.mode=MULTIRUN", *words).sweep.glob("*/result.json")))
    assert seedbed("validate", "hydra.mode=MULTIRUN", *words).out == "valid: 2 jobs\n"
    Path("conf/experiment").mkdir(parents=True)
    sweep = {"mode": "MULTIRUN", "sweeper": {"params": {"seed": "1,2,3"}}}
    text = "# @package _global_\n" + yaml.safe_dump({"hydra": sweep})
    Path("conf/experiment/seeds.yaml").write_text(text)
    result = seedbed("train", "experiment=seeds", "trainer.epochs=1")
    assert len(list(result.sweep.glob("*/result.json"))) == 3


def test_two_modes_at_once_are_refused(seedbed: Callable) -> None:
    result = seedbed("train", "-m", "hydra.mode=RUN", "seed=1,2")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "hydra.mode=RUN" in result.errors[0]


def test_options_in_the_search_path_are_found(seedbed: Callable) -> None:
    Path("more/model").mkdir(parents=True)
    Path("more/model/tiny.yaml").write_text("defaults: [custom]\nhidden: [2]\n")
    word = f"hydra.searchpath=[file://{Path('more').resolve()}]"
    assert "9 parameters" in seedbed("validate", "model=tiny", word).out
    told = seedbed("validate", "-m", "model=tiny,custom", word).out
    assert told.splitlines()[-1] == "valid: 2 jobs"


def test_callbacks_of_a_run_are_called(seedbed: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("mine.py").write_text(CALLBACKS)
    monkeypatch.syspath_prepend(Path.cwd())
    result = seedbed("train", "trainer.epochs=1", "+hydra.callbacks.one._target_=mine.Diary")
    assert result.code == 0, result.err
    assert result.out.startswith("run starts 0\njob starts\n")
    ended = "job ends COMPLETED\nnote: Callback Diary.on_run_end raised ValueError: too bad\n"
    assert result.out.endswith(ended)


def test_callbacks_of_jobs_are_refused_where_jobs_train_together(
    seedbed: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.py").write_text(CALLBACKS)
    monkeypatch.syspath_prepend(Path.cwd())
    words = ["seed=1,2", "trainer.epochs=1", "+hydra.callbacks.one._target_=mine.Diary"]
    result = seedbed("train", "-m", *words)
    assert (result.code, len(result.errors)) == (2, 1)
    assert "Diary.on_job_start" in result.errors[0]
    result = seedbed("train", "-m", *words, "hydra/launcher=basic")
    assert result.code == 0, result.err
    assert result.out.count("job ends COMPLETED") == 2


def test_a_callback_that_cannot_be_built_is_told_in_one_line(seedbed: Callable) -> None:
    result = seedbed("train", "+hydra.callbacks.one._target_=nowhere.Diary")
    assert (result.code, len(result.errors)) == (2, 1)
    assert result.errors[0].startswith("error: hydra.callbacks: ")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("hydra: {callbacks: {one: {_target_: mine.Diary}}}\n", "hydra.callbacks"),
        ("hydra: {sweep: {dir: elsewhere}}\n", "hydra.sweep.dir"),
        ("hydra: {sweeper: {params: {seed: '1,2'}}}\n", "hydra.sweeper"),
    ],
)
def test_a_swept_option_cannot_say_how_the_sweep_is_run(
    seedbed: Callable, text: str, key: str
) -> None:
    Path("conf/experiment").mkdir(parents=True)
    for name, more in {"plain": "seed: 3\n", "late": text}.items():
        Path(f"conf/experiment/{name}.yaml").write_text("# @package _global_\n" + more)
    result = seedbed("train", "-m", "experiment=plain,late", "trainer.epochs=1")
    assert (result.code, len(result.errors)) == (2, 1)
    assert f"{key}: an option among those that are swept sets it" in result.errors[0]
    assert not Path("outputs").exists()
    assert seedbed("validate", "-m", "experiment=late", "trainer.epochs=1,2").code == 0


@pytest.mark.parametrize("words", [[], ["-m", "seed=1,2"]], ids=["run", "sweep"])
def test_a_launcher_that_an_experiment_names_too_late_is_told(
    seedbed: Callable, words: list[str]
) -> None:
    Path("conf/experiment").mkdir(parents=True)
    text = "# @package _global_\ndefaults: [{override /hydra/launcher: basic}]\n"
    Path("conf/experiment/late.yaml").write_text(text)
    result = seedbed("validate", *words, "experiment=late")
    assert (result.code, len(result.errors)) == (2, 1)
    assert "type hydra/launcher=basic on the command line" in result.errors[0]
    assert seedbed("validate", *words, "experiment=late", "hydra/launcher=basic").code == 0
