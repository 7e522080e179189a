"""Jobs are composed as Hydra composes them, however the sweep does it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from support import processes
from support.override_lists import KEYS, VALUES, difference, started

from seedbed.compose.job_overrides import OverrideReader
from seedbed.compose.sweep_jobs import JobComposer, composed_jobs
from seedbed.config.check import CheckedGroups, checked
from seedbed.config.options import fitted_to_classes
from seedbed.errors import ConfigError

COMPARISON = Path(__file__).parents[2] / "benchmarks" / "expansion.py"


@pytest.fixture
def composer(tmp_path: Path) -> Iterator[JobComposer]:
    with started(tmp_path) as fresh:
        yield fresh


def counted(composer: JobComposer, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Hydra is asked to compose from now on."""
    calls: list[Any] = []
    whole = composer.loader.load_sweep_config

    def count(*args: Any) -> Any:
        calls.append(args)
        return whole(*args)

    monkeypatch.setattr(composer.loader, "load_sweep_config", count)
    return calls


@pytest.mark.slow
@pytest.mark.timeout(600)  # Hydra composes twice for each case, and the machine may be busy
def test_random_jobs_equal_hydras() -> None:
    line = [sys.executable, str(COMPARISON), "--cases", "40", "--seed", "5", "--jobs"]
    done = processes.run(line, capture_output=True, text=True, timeout=590, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("40 cases, 0 differ from Hydra")


@pytest.mark.parametrize(
    "line",
    [
        "trainer.early_stopping=3 trainer.early_stopping.patience=4",
        "trainer.early_stopping.patience=4 trainer.early_stopping=3",
        "trainer.early_stopping=null",
        "seed=1 seed=2",
        "optimizer.lr=0.5 optimizer=adam optimizer.lr=0.25",
        "optimizer.betas=[0.8,0.9] optimizer=adam",
        "scheduler=cosine trainer.epochs=9",
        "scheduler=cosine trainer.epochs=9 scheduler.T_max=4",
        "model=linked optimizer.lr=0.5 model.rate=2",
        "model=linked model.deep.b=[3] model.copy.a=5",
        "model=around model.two.three=5",
        "data=sklearn data.dataset=wine",
        "experiment=given data.path=a.csv",
        "experiment=given trainer.early_stopping=[3]",
        "+model.width=3 model.width=4",
        "name=5 data.name='5'",
        "sweep.workers=2 sweep.settings=[] allow=[mine,yours]",
        "data={name: mine} data.split.test=0.5",
    ],
)
def test_a_job_equals_hydras(composer: JobComposer, line: str) -> None:
    words = line.split(" ") if "{" not in line else [line.partition("} ")[0] + "}", "seed=1"]
    assert difference(composer, words) is None


def test_hydra_composes_once_for_each_choice_of_groups(
    composer: JobComposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(composer, monkeypatch)
    for seed in range(20):
        composer.composed(seed, [f"seed={seed}", f"model={['custom', 'manual'][seed % 2]}"])
    assert len(calls) == 2


def test_groups_that_are_the_same_in_two_jobs_are_one_object(composer: JobComposer) -> None:
    one, other = (
        composer.composed(n, [f"seed={n}", "loader.batch_size=4", "scheduler=cosine"]).resolved
        for n in range(2)
    )
    assert [one["seed"], other["seed"]] == [0, 1]
    assert all(one[key] is other[key] for key in one if key != "seed")


def test_the_same_mistake_in_many_jobs_is_composed_once(
    composer: JobComposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = counted(composer, monkeypatch)
    jobs = [[f"optimzer.lr={n}", f"seed={n}"] for n in range(50)]
    with pytest.raises(ConfigError) as err:
        composed_jobs(composer.loader, composer.sweep, jobs)
    assert err.value.problems == [
        "job 0 (optimzer.lr=0 seed=0) and 49 more jobs: no key 'optimzer.lr'; did you mean "
        "'optimizer.lr'?"
    ]
    assert len(calls) <= 3


def test_of_many_mistakes_the_first_are_told(composer: JobComposer) -> None:
    jobs = [[f"optimizer.lr=-{n + 1}"] for n in range(50)]
    with pytest.raises(ConfigError) as err:
        composed_jobs(composer.loader, composer.sweep, jobs)
    assert len(err.value.problems) == 21
    assert err.value.problems[-1] == "and 30 more"


@pytest.mark.parametrize(
    "words",
    [
        ["loader.batch_size=0", "seed=-1"],
        ["optimizer.lr=x", "trainer.early_stopping=maybe"],
        ["optimizer._target_=torch.optim.Adam", "optimizer.lr=-1"],
        ["data.source=csw", "model.hidden=3", "name=a/b"],
        ["data=csv"],
        ["loss._target_=''", "scheduler._target_=torch.optim.lr_scheduler.StepLR"],
    ],
    ids=" ".join,
)
def test_the_mistakes_are_told_as_of_a_whole_check(composer: JobComposer, words: list[str]) -> None:
    composer.composed(0, ["seed=1"])
    with pytest.raises(ConfigError) as of_a_job:
        composer.composed(1, words)
    base = composer._base([composer.read(word) for word in words])
    patched = base.patched([word for word in map(composer.read, words) if word.plain])
    assert patched is not None
    plain, _ = fitted_to_classes(patched[1], base.hydra["runtime"]["choices"])
    with pytest.raises(ConfigError) as of_all:
        checked(plain)
    assert of_a_job.value.problems == of_all.value.problems


def test_a_group_that_was_right_is_taken_as_it_is_and_others_are_checked() -> None:
    from seedbed.compose.compose import composed

    plain, groups = composed([]).resolved, CheckedGroups()
    first = checked(plain, groups)
    assert first == checked(plain)
    second = checked({**plain, "loader": {**plain["loader"], "batch_size": 9}}, groups)
    assert (second.trainer is first.trainer, second.loader.batch_size) == (True, 9)
    for wrong in ({"seed": "x"}, {"trainer": {"epochs": 3}}, {"modle": {}}, {"model": 5}):
        with pytest.raises(ConfigError) as told:
            checked({**plain, **wrong}, groups)
        with pytest.raises(ConfigError) as whole:
            checked({**plain, **wrong})
        assert told.value.problems == whole.value.problems


def test_a_word_that_is_read_quickly_is_what_hydra_reads(composer: JobComposer) -> None:
    read, parser = OverrideReader(composer.loader), OverridesParser.create()
    numbers = ["1e5", "-1.5E-3", "00", "0x1", "1e", "1.", "--1", "+3", "9" * 40, "NaN", "nulls"]
    quick = 0
    for written in [*VALUES, *numbers]:
        if (word := read._quickly(f"seed={written}")) is not None:
            quick += 1
            assert repr(word.value) == repr(parser.parse_override(word.text).value())
    assert quick > 20
    assert all(read._quickly(f"{key}=1") is None for key in ("data", "hydra.x", "a.0", "+a", "a@b"))
    assert all(read._quickly(f"{key}=1") for key in KEYS if "." in key)


def test_hydras_files_tell_the_job(seedbed: Any, tmp_path: Path) -> None:
    import yaml

    sweep = seedbed("train", "-m", "seed=3,4", "trainer.epochs=1").sweep
    (folder,) = sweep.glob("1_*")
    hydra = yaml.safe_load((folder / ".hydra" / "hydra.yaml").read_text())["hydra"]
    assert (hydra["job"]["num"], hydra["job"]["id"]) == (1, "1")
    words = yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text())
    assert sorted(words) == sorted(hydra["overrides"]["task"]) == ["seed=4", "trainer.epochs=1"]
    config = yaml.safe_load((folder / ".hydra" / "config.yaml").read_text())
    assert (config["seed"], config["name"]) == (4, "${data.name}")


def test_a_key_that_the_options_of_a_sweep_have_and_the_default_lacks(seedbed: Any) -> None:
    words = ["optimizer=adam,adamw", "optimizer.betas=[0.8,0.9]", "trainer.epochs=1"]
    sweep = seedbed("train", "-m", *words, "hydra.sweep.dir=sweep").sweep
    alone = seedbed("train", "optimizer=adamw", *words[1:]).run
    config = (sweep / "1_optimizer=adamw" / "config.yaml").read_text()
    assert "- 0.8" in config
    assert config == (alone / "config.yaml").read_text()
    hydra = yaml.safe_load((sweep / "multirun.yaml").read_text())["hydra"]
    assert hydra["overrides"]["task"] == words
    assert seedbed("resume", "sweep").code == 0
