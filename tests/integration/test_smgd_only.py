"""A study of SMGD alone, what is refused, and the command line."""

from dataclasses import replace
from pathlib import Path

import pytest
from rich.table import Table

from paretoprune.analysis.snapshot import load_study
from paretoprune.errors import UsageError
from paretoprune.report.terminal.sweep import sweep_results
from paretoprune.report.wording import next_commands
from paretoprune.runner.request import SweepRequest
from paretoprune.runner.retention import weights_to_delete
from paretoprune.runner.runs import comparison_runs
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from paretoprune.study.options import from_values
from paretoprune.study.plan import Budget, Plan
from paretoprune.study.settings import Settings
from paretoprune.training.methods.smgd import SPLIT_L2
from tests.support.sweeps import QUICK, compared, quiet, request, table

pytestmark = pytest.mark.slow


ALONE = {"method": "smgd"}


def alone(folder="study", settings=None, **budget):
    """A study of SMGD only."""
    return SweepRequest(
        folder=Path(folder),
        settings={name: QUICK[name] for name in ("epochs", "batch_size", "learning_rate")}
        | ALONE
        | (settings or {}),
        budget=budget,
    )


def test_a_study_of_smgd_only_searches_nothing():
    summary = sweep(alone(), quiet)
    assert summary.points["role"].tolist() == ["comparison"] * 3
    assert summary.ending == "compared"
    assert summary.intervals == ()
    again = sweep(SweepRequest(folder=Path("study")), quiet)
    assert len(again.points) == 3


def test_no_split_says_nothing_that_needs_runs_of_smgd():
    assert len(sweep(request(max_runs=4, split=False), quiet).points) == 4


def test_seeds_begin_with_the_studys():
    sweep(alone(settings={"seed": 5}, smgd=2), quiet)
    assert table()["seed"].tolist() == [5, 6]


def test_a_comparison_is_trained_fleet_by_fleet_within_the_time():
    """The first fleet is trained whatever the time: or else nothing would ever be."""
    summary = sweep(replace(alone(smgd=5, fleet=2), time_budget=1e-3), quiet)
    assert len(summary.points) == 2
    assert summary.ending == "time"
    assert len(sweep(alone(smgd=5, fleet=2), quiet).points) == 5
    assert table()["fleet_size"].tolist() == [2, 2, 2, 2, 1]


def test_a_history_has_the_weights_of_convolutions_for_split_runs_only():
    sweep(alone(smgd=1), quiet)
    (run_id,) = table()["run_id"]
    history = storage.read_history(Path("study"), run_id)
    assert "conv_l2_weight" not in history
    assert history["complexity_weight"].between(0, 1).all()


@pytest.mark.parametrize(
    "option", ["search", "max_runs", "tolerance", "repeats", "round_size", "warm_up"]
)
def test_options_of_searches_have_no_meaning_there(option):
    value = {"search": "grid", "tolerance": 0.1, "warm_up": 0.3}.get(option, 4)
    in_settings = option in ("search", "round_size", "warm_up")
    sweep(alone(), quiet)
    named = option.replace("round_size", "round").replace("_", "-")
    for folder in ("study", "another"):
        with pytest.raises(UsageError, match=f"--{named}"):
            sweep(
                alone(folder, settings={option: value})
                if in_settings
                else alone(folder, **{option: value}),
                quiet,
            )
        assert not Path("another").exists()


def test_another_method_is_another_study():
    sweep(alone(), quiet)
    with pytest.raises(UsageError, match="--method is smgd, not weighted-sum"):
        sweep(SweepRequest(folder=Path("study"), settings={"method": "weighted-sum"}), quiet)


@pytest.mark.parametrize(
    ("settings", "budget", "sentence"),
    [
        ({"method": "smdg"}, {}, "did you mean smgd"),
        ({}, {"smgd": -1}, "--smgd -1"),
        ({}, {"normalize": "l1"}, "--normalize l1 is unknown"),
        ({}, {"moments": "both"}, "--moments both is unknown"),
        ({}, {"split": True}, "--split has no meaning for a model without convolutions"),
        ({"model": "lenet5", "prunable": "all"}, {"split": True}, "take --prunable linear"),
        ({}, {"smgd": 0, "moments": "separate"}, "--moments: of SMGD runs, .* give --smgd 3 too"),
        (ALONE, {"smgd": 0}, "--smgd 0"),
    ],
)
def test_bad_combinations_are_refused_before_anything_is_trained(settings, budget, sentence):
    with pytest.raises(UsageError, match=sentence):
        sweep(SweepRequest(folder=Path("study"), settings=settings, budget=budget), quiet)
    assert not Path("study").exists()


def test_the_papers_recipe_has_the_authors_moments():
    sweep(alone(settings={"recipe": "paper", "epochs": 1}, smgd=1), quiet)
    assert table()["moments"].tolist() == ["separate"]
    sweep(alone(smgd=1, settings={"recipe": "paper", "epochs": 1}, moments="joint"), quiet)
    assert table()["moments"].tolist() == ["separate", "joint"]


def test_a_split_networks_squares_have_a_factor_of_their_own():
    """The decay of the study, 1e-4 in the paper's recipe, would delete its convolutions."""
    plan = Plan
    settings = {"model": "lenet5", "dataset": "mnist"}
    for l2_conv, split, expected in (
        (0.0, True, SPLIT_L2),
        (1e-4, True, SPLIT_L2),
        (0.1, False, 0.1),
    ):
        made = plan(
            settings=Settings(**settings, l2_conv=l2_conv),
            budget=from_values(Budget, {"smgd": 1, "split": split}),
            measured=None,
        )
        assert comparison_runs(made)[0].l2_conv == expected


def test_weights_of_a_comparison_go_with_none_only():
    sweep(request(max_runs=4, smgd=2), quiet)
    points = storage.read(Path("study"))
    ids = set(compared(points)["run_id"])
    assert not ids & set(weights_to_delete(points, "front", 10**12, 1))
    assert ids <= set(weights_to_delete(points, "none", 10**12, 1))


# --- the command line


@pytest.mark.slow
def test_the_command_trains_both_and_says_what_to_type_next(paretoprune):
    options = ["--epochs=2", "--batch-size=256", "--round=4", "--lr=0.02", "--max-runs=4"]
    result = paretoprune("sweep", "study", *options, "--smgd=2", "--normalize=loss")
    assert result.code == 0
    assert "6 runs, 2 of them SMGD" in result.out
    assert "paretoprune compare study" in result.out
    shown = paretoprune("show", "study", "--all").out
    assert shown.count("SMGD") == 2
    assert Path("study/front.png").is_file()


def test_the_command_of_smgd_alone(paretoprune):
    result = paretoprune("sweep", "--method=smgd", "--epochs=2", "--moments=separate")
    assert result.code == 0
    assert "3 runs of SMGD, 2 epochs" in " ".join(result.err.split())
    assert "3 runs; all runs are trained" in result.out
    assert "paretoprune knee" not in result.out
    assert "nan" not in result.out
    assert Path("digits-mlp/front.png").is_file()
    assert paretoprune("show", "digits-mlp", "--all").out.count("SMGD") == 3
    assert '"lam": null' in paretoprune("show", "digits-mlp", "--all", "--json").out
    assert "separate moments, 2" in " ".join(paretoprune("show", "digits-mlp").out.split())
    for wrong in (["knee", "digits-mlp"], ["plot", "digits-mlp", "--kind=layers"]):
        result = paretoprune(*wrong)
        assert result.code == 2
        assert "begun with --method smgd" in result.err


def test_a_study_whose_search_learnt_nothing_still_shows_smgd():
    """No front: `compare` is not what to type next."""
    assert "compare study" in " ".join(next_commands(sweep(request(max_runs=4, smgd=1), quiet), []))
    dead = sweep(request("dead", {"threshold": 1e9}, max_runs=4, smgd=1), quiet)
    assert "compare" not in " ".join(next_commands(dead, []))
    (*_, last) = sweep_results(load_study(Path("dead")))
    assert isinstance(last, Table)
    assert last.row_count == 1


def test_the_flag_of_split(paretoprune):
    result = paretoprune("sweep", "--split")
    assert result.code == 2
    assert "--split has no meaning" in result.err


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ('method = "pf-smgd"', "method pf-smgd is unknown"),
        ("smgd = -1", "--smgd -1 is out of range"),
        ("smgd = true", "--smgd is True: it must be a whole number"),
        ("normalize = 3", "--normalize is 3: it must be a text"),
        ("colour = 1", "missing or unknown entries, perhaps a newer paretoprune's: colour"),
    ],
)
def test_a_study_with_options_of_no_method_does_not_go_on(paretoprune, swept, entry, complaint):
    """It can be read, as nothing in it depends on them."""
    swept(10)
    path, name = Path("study/study.toml"), entry.split()[0]
    text = path.read_text()
    lines = [line for line in text.splitlines() if not line.startswith(f"{name} = ")]
    place = "[settings]" if name == "method" else "[budget]"
    lines.insert(lines.index(place) + 1, entry)
    path.write_text("\n".join(lines))
    refused = paretoprune("sweep", "study", "--max-runs=11")
    assert (refused.code, complaint in " ".join(refused.err.split())) == (4, True)
    assert paretoprune("show", "study").code == 0
