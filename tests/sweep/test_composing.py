"""Jobs are composed as Hydra composes them, however the sweep does it."""

import random
from pathlib import Path
from typing import Any

import pytest
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import OmegaConf

from seedbed.config.compose import COMPOSITION_ERRORS, resolved
from seedbed.config.locations import own_conf
from seedbed.config.sweep_jobs import JobComposer
from seedbed.errors import ConfigError

WORDS = [
    "model=manual", "model=sequential", "data=sklearn", "data.dataset=wine", "optimizer=adam",
    "optimizer=sgd", "optimizer.lr=0.01", "optimizer.lr=1e-3", "optimizer.momentum=0.9",
    "scheduler=cosine", "scheduler=onecycle", "trainer.epochs=7", "trainer=quick", "seed=3",
    "loader=full_batch", "loader.batch_size=4", "loader.batch_size=null", "model.hidden=[4,2]",
    "+optimizer.new=1", "~model.bias", "name=mine", "experiment=digits_mlp",
    "seed=${trainer.epochs}", "trainer.early_stopping.patience=3",
    "trainer.early_stopping={patience: 2, min_delta: 0.1}",
    "optimizer.betas=[0.8,0.9]", "model.dropout=0.1", "nothing=1", "data.target=null",
]  # fmt: skip


@pytest.fixture
def composer() -> Any:
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(own_conf()), job_name="test", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        sweep = loader.load_configuration("config", [], run_mode=RunMode.MULTIRUN)
        yield JobComposer(loader, sweep)


def outcome(compose: Any) -> Any:
    try:
        return compose()
    except (ConfigError, *COMPOSITION_ERRORS):
        return "refused"


def test_a_patched_job_equals_hydras(composer: JobComposer) -> None:
    drawn = random.Random(5)
    lists = [drawn.sample(WORDS, drawn.randint(1, 5)) for _ in range(120)]

    def by_hydra(words: list[str]) -> Any:
        config = composer.loader.load_sweep_config(composer.sweep, words)
        job = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
        return resolved(job)

    def patched(words: list[str]) -> Any:
        try:
            return composer.composed(0, words).plain
        except ConfigError:
            by_hydra(words)  # it composes, and is refused by the schema alone
            return "not of the schema"

    compared = 0
    for words in lists:
        expected, got = outcome(lambda w=words: by_hydra(w)), outcome(lambda w=words: patched(w))
        if got == "not of the schema":
            continue
        assert got == expected, words
        compared += expected != "refused"
    assert compared > 20


def test_hydra_composes_once_for_each_choice_of_groups(
    composer: JobComposer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[Any] = []
    whole = composer.loader.load_sweep_config

    def counted(*args: Any) -> Any:
        calls.append(args)
        return whole(*args)

    monkeypatch.setattr(composer.loader, "load_sweep_config", counted)
    fresh = JobComposer(composer.loader, composer.sweep)
    for seed in range(20):
        fresh.composed(seed, [f"seed={seed}", f"model={['custom', 'manual'][seed % 2]}"])
    assert len(calls) == 2


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
