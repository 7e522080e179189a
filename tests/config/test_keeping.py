"""What was composed before is composed again as Hydra does it anew, whatever has changed since."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf
from support.override_lists import OWN_YAML, override_lists

from seedbed.compose import asked, keeping
from seedbed.compose.compose import ConfigSource, composed, hydra_started
from seedbed.compose.isolation import hydra_left_alone
from seedbed.compose.latest import Latest
from seedbed.config.locations import own_conf
from seedbed.errors import ConfigError


@pytest.fixture(autouse=True)
def _hydra_as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(keeping, "_choices", Latest(keeping.MOST_CHOICES))
    with hydra_left_alone():
        yield


def write(folder: Path, files: dict[str, str]) -> ConfigSource:
    """A user's folder of configs."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text.lstrip(), encoding="utf-8")
    return ConfigSource(folder)


def anatomy(node: Any) -> Any:
    """All that OmegaConf knows of a config: types and flags as well as values."""
    kept = {
        key: value
        for key, value in vars(node._metadata).items()
        if key not in ("resolver_cache", "flags")  # one is asked for anew, the other told below
    }
    flags = {key: value for key, value in (node._metadata.flags or {}).items() if value is not None}
    content = node._content if isinstance(node, DictConfig | ListConfig) else node._value()
    if isinstance(content, dict):
        content = {key: anatomy(value) for key, value in content.items()}
    elif isinstance(content, list):
        content = [anatomy(value) for value in content]
    return type(node).__name__, kept, flags, list(content) if content == {} else content


def outcome(loader: ConfigLoaderImpl, words: list[str], mode: RunMode) -> object:
    """A composition in full, or what is wrong."""
    try:
        config = loader.load_configuration("config", words, mode)
    except Exception as err:
        return type(err).__name__, str(err), repr(err.__cause__)
    return repr(anatomy(config))  # in which nan is nan


@contextmanager
def both_loaders(source: ConfigSource) -> Iterator[tuple[Any, ConfigLoaderImpl]]:
    """Ours, and Hydra's own."""
    with hydra_started(source):
        ours = GlobalHydra.instance().config_loader()
        yield ours, ConfigLoaderImpl(ours.get_search_path())


WORDS_OF_HYDRA = [
    ["hydra.run.dir=there", "seed=3"],
    ["hydra/launcher=basic", "hydra.job.name=mine"],
    ["hydra.job.env_copy=[HOME]", "hydra.verbose=true"],
    ["~hydra.job.name", "optimizer=adam"],
    ["hydra.searchpath=[file://more]", "model=elsewhere"],
    ["hydra.mode=MULTIRUN", "model=custom,manual"],
    ["+experiment=[given,computed]"],
    ["model@mine=custom"],
    ["optimizer@second=adam", "+optimizer@second=adam"],
    ["~scheduler", "model=linked"],
]


@pytest.mark.parametrize("mode", RunMode)
def test_every_composition_is_hydras(tmp_path: Path, mode: RunMode) -> None:
    source = write(tmp_path / "conf", OWN_YAML)
    write(tmp_path / "more", {"model/elsewhere.yaml": "_target_: mine.Net\nhidden: 5\n"})
    drawn = override_lists(6, seed=3)
    with both_loaders(source) as (ours, hydras):
        for words in [*WORDS_OF_HYDRA, *drawn] if mode is RunMode.RUN else WORDS_OF_HYDRA[-5:]:
            expected = outcome(hydras, words, mode)
            assert outcome(ours, words, mode) == expected  # as it is kept
            assert outcome(ours, words, mode) == expected  # from what is kept


@pytest.mark.parametrize("choice", ["custom", "manual", "sequential"])
def test_a_default_that_names_the_choice_of_another_group_is_hydras(
    tmp_path: Path, choice: str
) -> None:
    files = {
        "config.yaml": "defaults: [seedbed, notes: '${model}', _self_]",
        "notes/custom.yaml": "# @package _global_\nname: layers",
        "notes/manual.yaml": "# @package _global_\ndefaults: [/more: '${notes}_${optimizer}']",
        "more/manual_adam.yaml": "# @package _global_\nname: by_hand",
    }
    with both_loaders(write(tmp_path, files)) as (ours, hydras):
        words = [f"model={choice}", "optimizer=adam"]
        expected = outcome(hydras, words, RunMode.RUN)
        assert outcome(ours, words, RunMode.RUN) == expected
        named = {"custom": "layers", "manual": "by_hand", "sequential": "notes/sequential"}
        assert named[choice] in str(expected)


def test_files_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asked, "_files", Latest(asked.MOST_FILES))
    calls: list[Any] = []
    load = OmegaConf.load
    monkeypatch.setattr(OmegaConf, "load", lambda file: calls.append(file) or load(file))
    composed(["optimizer.lr=0.5", "model=manual"])
    assert len(calls) > 10
    calls.clear()
    assert composed(["optimizer.lr=0.25", "seed=3", "model=manual"]).config.optimizer["lr"] == 0.25
    assert calls == []
    composed(["model=sequential"])
    assert len(calls) == 1


def test_all_options_of_ours_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word too many in one YAML, such as a backslash in a comment, would slow all commands."""
    monkeypatch.setattr(keeping, "_choices", Latest(1000))
    conf = Path(__file__).parents[2] / "conf"
    options: dict[str, list[str]] = {}
    for path in sorted(conf.glob("*/*.yaml")):
        options.setdefault(path.parent.name, []).append(f"{path.parent.name}={path.stem}")
    assert sum(map(len, options.values())) > 60
    with both_loaders(ConfigSource()) as (ours, _):
        for number, words in enumerate(zip_longest(*options.values()), 1):
            chosen = [word for word in words if word is not None]  # one of each group
            ours.load_configuration("config", chosen, RunMode.RUN)
            assert len(keeping._choices._kept) == number, chosen


def test_what_is_kept_cannot_be_changed() -> None:
    with both_loaders(ConfigSource()) as (ours, _):
        one = ours.load_configuration("config", [], RunMode.RUN)
        for config in (one, ours.load_configuration("config", [], RunMode.RUN)):
            OmegaConf.update(config, "model.hidden", [1, 2, 3], force_add=True)
            config.hydra.job.name = "mine"
            config.hydra.runtime.choices.model = "mine"
        last = ours.load_configuration("config", [], RunMode.RUN)
    assert last.model.hidden != [1, 2, 3]
    assert last.hydra.job.name == "seedbed"
    assert last.hydra.runtime.choices.model == "custom"


def lr_of(source: ConfigSource, *words: str) -> Any:
    return composed(list(words), source).config.optimizer["lr"]


def test_an_edit_is_seen_though_size_and_date_are_the_same(tmp_path: Path) -> None:
    source = write(tmp_path / "mine", {"experiment/fast.yaml": FAST.format("0.25")})
    file = tmp_path / "mine/experiment/fast.yaml"
    date = file.stat().st_mtime_ns
    for lr in ("0.25", "0.75", "0.25", "0.50"):
        file.write_text(FAST.format(lr))
        os.utime(file, ns=(date, date))
        assert lr_of(source, "experiment=fast") == float(lr)
        assert lr_of(source, "experiment=fast", "seed=1") == float(lr)


FAST = "# @package _global_\noptimizer: {{lr: {}}}\n"


def test_a_file_that_comes_in_front_of_ours_is_seen_and_its_end_too(tmp_path: Path) -> None:
    source = write(tmp_path / "mine", {"model/mine.yaml": "_target_: mine.Net\n"})
    ours = lr_of(source)
    assert lr_of(source) == ours
    text = (own_conf() / "optimizer/sgd.yaml").read_text()
    write(tmp_path / "mine", {"optimizer/sgd.yaml": text.replace(f"lr: {ours}", "lr: 0.125")})
    assert lr_of(source) == 0.125
    assert lr_of(source, "seed=1") == 0.125
    (tmp_path / "mine/optimizer/sgd.yaml").unlink()
    assert lr_of(source) == ours


def test_a_folder_of_hydras_searchpath_is_read_each_time(tmp_path: Path) -> None:
    words = ["hydra.searchpath=[file://more]", "experiment=fast"]
    for lr in ("0.25", "0.5"):
        write(tmp_path / "more", {"experiment/fast.yaml": FAST.format(lr)})
        assert lr_of(ConfigSource(), *words) == float(lr)
        assert lr_of(ConfigSource(), *words) == float(lr)
    with pytest.raises(ConfigError, match="experiment: no option 'fast'"):
        composed(words[1:])


def test_a_mistake_in_yaml_is_told_until_it_is_mended(tmp_path: Path) -> None:
    source = write(tmp_path / "mine", {"experiment/fast.yaml": FAST.format("0.5")})
    assert lr_of(source, "experiment=fast") == 0.5
    write(tmp_path / "mine", {"experiment/fast.yaml": "optimizer: [\n"})
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"fast.yaml"):
            composed(["experiment=fast"], source)
    write(tmp_path / "mine", {"experiment/fast.yaml": FAST.format("0.75")})
    assert lr_of(source, "experiment=fast") == 0.75


def test_a_file_that_is_changed_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(tmp_path / "mine", {"experiment/fast.yaml": FAST.format("0.25")})
    load = OmegaConf.load

    def load_and_change(file: Any) -> Any:
        content = load(file)
        if Path(file.name).name == "fast.yaml":
            write(tmp_path / "mine", {"experiment/fast.yaml": FAST.format("0.75")})
        return content

    with monkeypatch.context() as patch:
        patch.setattr(OmegaConf, "load", load_and_change)
        assert lr_of(source, "experiment=fast") == 0.25
    assert lr_of(source, "experiment=fast") == 0.75


def test_variables_of_the_environment_are_those_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = "defaults: [seedbed, _self_, {override /optimizer: '${oc.env:MY_OPTIMIZER}'}]"
    source = write(tmp_path / "mine", {"config.yaml": f"{defaults}\nname: ${{oc.env:MY_NAME}}\n"})
    for optimizer, name in (("adam", "one"), ("adamw", "one"), ("adamw", "two")):
        monkeypatch.setenv("MY_OPTIMIZER", optimizer)
        monkeypatch.setenv("MY_NAME", name)
        for _ in range(2):
            config = composed([], source)
            assert config.resolved["optimizer"]["_target_"].lower() == f"torch.optim.{optimizer}"
            assert config.config.name == name


def test_a_resolver_of_somebody_else_is_asked_each_time(tmp_path: Path) -> None:
    calls: list[int] = []
    OmegaConf.register_new_resolver("drawn", lambda: calls.append(1) or len(calls))
    source = write(
        tmp_path / "mine",
        {
            "loss/huber.yaml": "_target_: torch.nn.HuberLoss\ndelta: ${drawn:}\n",
            "experiment/more.yaml": "# @package _global_\nloss: {delta: 1}\n",
        },
    )
    with both_loaders(source) as (ours, _):
        for number in range(1, 4):
            ours.load_configuration("config", ["experiment=more", "loss=huber"], RunMode.RUN)
            assert len(calls) == number


@pytest.mark.parametrize(
    "text", ['"\\x24{drawn:}"', "'${ drawn: }'", "'${a.${drawn:}}'", "'${drawn:${seed}}'"]
)
def test_no_spelling_hides_a_resolver(tmp_path: Path, text: str) -> None:
    source = write(tmp_path / "mine", {"experiment/more.yaml": f"name: {text}\n"})
    with both_loaders(source) as (ours, _):
        repository = keeping.Composing(ours.config_search_path)
        repository.load_config("experiment/more")
    assert not repository.is_settled


def test_the_time_is_that_of_now() -> None:
    assert len({str(composed(["seed=1"]).directory) for _ in range(3)}) == 3


def test_the_folder_and_what_was_typed_are_those_of_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        run = composed([f"name={name}", "optimizer=adam"])
        assert run.hydra["runtime"]["cwd"] == str(tmp_path / name)
        assert run.overrides == [f"name={name}", "optimizer=adam"]
        assert run.hydra["job"]["override_dirname"] == f"name={name},optimizer=adam"


@dataclass
class Stored:
    _target_: str = "torch.optim.SGD"
    lr: float = 0.25


def test_the_store_is_that_of_now() -> None:
    store = ConfigStore.instance()
    store.store(group="optimizer", name="stored", node=Stored)
    assert lr_of(ConfigSource(), "optimizer=stored") == 0.25
    store.store(group="optimizer", name="stored", node=Stored(lr=0.5))
    assert lr_of(ConfigSource(), "optimizer=stored") == 0.5
    store.repo["optimizer"]["stored.yaml"].node.lr = 0.75
    assert lr_of(ConfigSource(), "optimizer=stored") == 0.75
    del store.repo["optimizer"]
    with pytest.raises(ConfigError, match="optimizer: no option 'stored'"):
        composed(["optimizer=stored"])


def test_a_class_that_cannot_be_written_is_composed_each_time() -> None:
    @dataclass
    class Local(Stored):
        lr: float = 0.375

    ConfigStore.instance().store(group="optimizer", name="local", node=Local)
    assert [lr_of(ConfigSource(), "optimizer=local") for _ in range(2)] == [0.375, 0.375]


def test_a_users_config_that_builds_on_ours_is_kept_and_follows_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "defaults: [seedbed, _self_]\noptimizer: {{lr: {}}}\n"
    source = write(tmp_path / "mine", {"config.yaml": text.format(0.25)})
    assert lr_of(source) == 0.25
    with monkeypatch.context() as patch:
        patch.setattr(OmegaConf, "load", None)
        assert lr_of(source, "seed=1") == 0.25
    write(tmp_path / "mine", {"config.yaml": text.format(0.5)})
    assert lr_of(source) == 0.5


@dataclass
class Momentum(Stored):
    momentum: float = 0.0
    nesterov: bool = False
    dampening: float = 0.0
    weight_decay: float = 0.0
    maximize: bool = False
    no_decay: bool = False
    groups: Any = None


def test_what_hydra_warns_of_it_warns_of_each_time(tmp_path: Path) -> None:
    ConfigStore.instance().store(group="optimizer", name="sgd", node=Momentum)
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.warns(UserWarning, match="validated against ConfigStore schema"):
                composed([])


def test_where_another_plugins_source_is_read_hydra_composes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked, "READ_HERE", asked.READ_HERE - {max(asked.READ_HERE)})
    composed([])
    assert composed(["seed=3"]).config.seed == 3
    assert keeping._choices.get(next(iter(keeping._choices._kept), None)) is None


def test_only_the_latest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    latest: Latest[int] = Latest(2)
    for number in range(3):
        latest.put(number, number)
        latest.get(0)
    assert [latest.get(number) for number in range(3)] == [0, None, 2]
