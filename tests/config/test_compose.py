"""Overrides become a checked config, and the files that Hydra would have written."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from seedbed.compose.compose import ConfigSource, composed
from seedbed.compose.composed import hydra_files
from seedbed.config.locations import find_user_conf, own_conf, user_conf
from seedbed.errors import ConfigError

WORDS = ["model=manual", "scheduler=cosine", "trainer.epochs=7", "optimizer.lr=0.01"]

PLAIN_HYDRA = """
import sys
import hydra
@hydra.main(config_path=sys.argv.pop(1), config_name="config", version_base="1.3")
def main(config):
    pass
main()
"""
"""A program that leaves `.hydra/` the usual way."""


def test_overrides_reach_the_typed_config() -> None:
    run = composed(WORDS).config
    assert run.model["_target_"] == "seedbed.models.ManualMLP"
    assert run.trainer.epochs == 7
    assert run.optimizer["lr"] == 0.01


def test_one_number_lives_in_one_place() -> None:
    plain = composed(["scheduler=cosine", "trainer.epochs=7"]).resolved
    assert plain["scheduler"]["T_max"] == 7
    one_cycle = composed(["scheduler=onecycle", "optimizer.lr=0.5"]).resolved
    assert one_cycle["scheduler"]["max_lr"] == 0.5


def test_an_experiment_wins_over_the_groups_and_overrides_over_the_experiment(
    tmp_path: Path,
) -> None:
    (tmp_path / "mine/experiment").mkdir(parents=True)
    (tmp_path / "mine/experiment/fast.yaml").write_text(
        "# @package _global_\ndefaults: [{override /optimizer: adamw}]\noptimizer: {lr: 0.25}\n"
    )
    fast = composed(["experiment=fast"], ConfigSource(tmp_path / "mine")).config
    assert fast.optimizer["_target_"] == "torch.optim.AdamW"
    assert fast.optimizer["lr"] == 0.25
    faster = composed(
        ["experiment=fast", "optimizer.lr=0.5"], ConfigSource(tmp_path / "mine")
    ).config
    assert faster.optimizer["lr"] == 0.5


def test_the_run_goes_below_its_name() -> None:
    parts = composed(["name=mine"]).directory.parts
    assert parts[:2] == ("outputs", "mine")


@pytest.mark.parametrize(
    "text",
    [
        *("plain", "${name}", "a/${name}/b", "${data.name}_${optimizer.lr}", "${seed}"),
        *("${now:%Y}", "${name}/${now:%Y}", "${model.hidden}", "${data}", "${hydra.job.name}"),
        *(r"\${name}", r"a\\${name}", "${oc.env:HOME}", "${oc.select:data.name}", "${data[name]}"),
        *("${.sibling}", "${name.first}", "${nothing}", "${data.nothing}", "${name:first}"),
        *("${model.dropout}", "${trainer.early_stopping.patience}", "$name", "${ name }"),
        *(
            "${data.split.validation}/${data.split.test}",
            "${hydra.run.dir}",
            "${name}${data.nothing}",
        ),
    ],
)
def test_a_run_s_folder_is_what_omegaconf_makes_of_the_whole_config(text: str) -> None:
    """Only the keys that it names are read, where these are plain."""
    made = composed(["name=${data.name}_${seed}", "seed=3", "hydra.run.dir=r"])
    hydra = {**made.hydra, "run": {**made.hydra["run"], "dir": text}}
    asked = replace(made, hydra=hydra)
    try:
        wanted = OmegaConf.select(OmegaConf.create({**made.raw, "hydra": hydra}), "hydra.run.dir")
    except OmegaConfBaseException:
        wanted = None
    if isinstance(wanted, str) and wanted:
        assert str(asked.directory) == wanted
    else:
        with pytest.raises(ConfigError, match=r"^hydra\.run\.dir"):
            _ = asked.directory


def test_the_files_are_those_that_hydra_writes(tmp_path: Path) -> None:
    line = [sys.executable, "-c", PLAIN_HYDRA, str(own_conf()), *WORDS, "hydra.run.dir=run"]
    subprocess.run(line, check=True, timeout=200, cwd=tmp_path)
    mine = hydra_files(composed([*WORDS, "hydra.run.dir=run"]), tmp_path / "run")
    for name in ("config.yaml", "overrides.yaml"):
        theirs = yaml.safe_load((tmp_path / "run/.hydra" / name).read_text())
        assert mine[name] == theirs
    theirs = yaml.safe_load((tmp_path / "run/.hydra/hydra.yaml").read_text())["hydra"]
    hydra = yaml.safe_load(yaml.safe_dump(mine["hydra.yaml"]))["hydra"]
    assert hydra["overrides"]["task"] == theirs["overrides"]["task"]
    for key in ("run", "sweep", "sweeper", "launcher", "help", "job_logging", "hydra_logging"):
        assert hydra[key] == theirs[key]
    for key in ("output_dir", "choices", "version"):
        assert hydra["runtime"][key] == theirs["runtime"][key]


def test_nothing_of_hydra_is_left_behind() -> None:
    composed(WORDS)
    assert not GlobalHydra.instance().is_initialized()
    assert user_conf() is None
    with pytest.raises(ConfigError):
        composed(["nope=1"])
    assert not GlobalHydra.instance().is_initialized()


def test_interpolations_stay_in_the_job_and_go_from_the_plain_config() -> None:
    both = composed(WORDS)
    assert both.raw["scheduler"]["T_max"] == "${trainer.epochs}"
    assert both.resolved["scheduler"]["T_max"] == 7
    assert "hydra" not in both.resolved


@pytest.mark.parametrize(
    ("word", "problem"),
    [
        ("seed=${sed}", "seed: Interpolation key 'sed' not found; did you mean 'seed'"),
        ("seed=${nothing:1}", "seed: Unsupported interpolation type nothing"),
        ("seed=${seed}", "seed: "),
        ("seed=${oc.env:NO_SUCH_VARIABLE}", "'NO_SUCH_VARIABLE' not found"),
    ],
)
def test_an_interpolation_that_fails_is_reported_with_its_key(word: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        composed([word])


def test_a_users_folder_is_found_when_it_holds_yaml(tmp_path: Path) -> None:
    assert find_user_conf() is None
    (tmp_path / "conf/model").mkdir(parents=True)
    assert find_user_conf() is None
    (tmp_path / "conf/model/mine.yaml").touch()
    assert find_user_conf() == tmp_path / "conf"
    assert find_user_conf("elsewhere") == tmp_path / "elsewhere"


def test_our_own_folder_is_nobodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own_conf().parent)
    assert find_user_conf() is None
