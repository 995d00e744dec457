"""Help and documents name every variant, column, command and default."""

import re

import pytest

from paretoprune import __version__
from paretoprune.analysis.knee import DEFAULT_RULE, RULES
from paretoprune.analysis.knee.axes import AXES_OF
from paretoprune.export import FORMATS
from paretoprune.problem.datasets import DATASETS
from paretoprune.problem.losses import LOSSES
from paretoprune.problem.models import MODELS
from paretoprune.pruning.penalties import PENALTIES
from paretoprune.pruning.selection import PRUNABLE
from paretoprune.report.plots.front import ERROR_AXES
from paretoprune.report.wording import MEANINGS
from paretoprune.search import SEARCHES
from paretoprune.study.defaults import EVERY, OF_DATASETS, OF_MODELS
from paretoprune.study.plan import Budget
from paretoprune.study.run import MOMENTS
from paretoprune.study.settings import Settings
from paretoprune.training.methods import METHODS
from paretoprune.training.methods.smgd import NORMALIZE, Options
from paretoprune.training.optimizers import OPTIMIZERS, SCHEDULES
from tests.support.checkout import ROOT
from tests.support.command_reference import COMMAND, REFERENCE, reference
from tests.support.table_reference import PAGE, with_columns


def help_of(option: str) -> str:
    (found,) = [p for p in COMMAND.commands["sweep"].params if option in p.opts]
    return found.help


def test_the_reference_is_the_programs_own():
    assert REFERENCE.read_text() == reference(), "run `python -m tests.support.command_reference`"


@pytest.mark.parametrize(
    ("option", "table"),
    [
        ("--dataset", DATASETS),
        ("--model", MODELS),
        ("--prunable", PRUNABLE),
        ("--complexity", PENALTIES),
        ("--loss", LOSSES),
        ("--optimizer", OPTIMIZERS),
        ("--schedule", SCHEDULES),
        ("--search", SEARCHES),
        ("--method", METHODS),
        ("--moments", MOMENTS),
        ("--normalize", NORMALIZE),
    ],
)
def test_help_names_every_variant(option, table):
    words = set(re.findall(r"[\w-]+", help_of(option)))
    assert set(table) <= words


def test_help_names_every_format():
    (output,) = [p for p in COMMAND.commands["export"].params if "-o" in p.opts]
    assert all(ending in output.help for ending in FORMATS)


def test_help_names_the_defaults():
    defaults = {**vars(Settings()), **vars(Budget()), **vars(Options())}
    for name in ("prunable", "complexity", "validation", "schedule", "max_runs"):
        option = f"--{name.replace('_', '-')}"
        assert f"default: {defaults[name]}" in help_of(option)
    for name, value in EVERY.items():
        own = [f"{model[name]:g} for {kind}" for kind, model in OF_MODELS.items() if name in model]
        known = ", else ".join([*own, str(value)])
        assert f"default: {known}" in help_of(f"--{name.replace('_', '-')}")
    assert f"default: {defaults['tolerance']}" in help_of("--tolerance")
    assert f"default: {defaults['round_size']}" in help_of("--round")
    assert f"default: {METHODS['smgd'].defaults(Settings(), Budget())['smgd']}" in help_of("--smgd")
    for name in ("method", "moments", "normalize"):
        assert f"default: {defaults[name]}" in help_of(f"--{name}")
    for option, field in (
        ("--epochs", "epochs"),
        ("--lr", "learning_rate"),
        ("--batch-size", "batch_size"),
    ):
        for name, suited in (*OF_DATASETS.items(), *OF_MODELS.items()):
            if field in suited:
                assert re.search(rf"{suited[field]} for [^;]*\b{name}\b", help_of(option))
    assert OF_MODELS.keys() == MODELS.keys()


def test_every_knee_rule_is_in_help_and_readme():
    (rule,) = [p for p in COMMAND.commands["knee"].params if "--rule" in p.opts]
    assert rule.help == f"{' | '.join(RULES)} (default: {DEFAULT_RULE})"
    assert all(f"`{name}`" in (ROOT / "README.md").read_text() for name in RULES)


def test_every_column_is_explained():
    text = PAGE.read_text()
    assert text == with_columns(text), "run `python -m tests.support.table_reference`"


def test_every_reason_of_a_closed_interval_is_explained():
    text = (ROOT / "docs" / "searches.md").read_text()
    assert all(f"`{reason}`" in text for reason in MEANINGS)


def test_every_command_is_in_the_readme():
    text = (ROOT / "README.md").read_text()
    assert all(f"paretoprune {name}" in text for name in COMMAND.commands)


def test_the_readme_begins_with_two_commands():
    block = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    commands = block[1].strip().splitlines()
    assert len(commands) == 2
    assert commands[0].endswith("paretoprune sweep")
    assert "pytest" in commands[1]


def test_links_between_documents_hold():
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_changelog_knows_this_version():
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_help_names_every_axis():
    from paretoprune.cli.knee import knee
    from paretoprune.cli.plot import plot

    (at_plot,) = [p.help for name, p in zip(*options_of(plot), strict=True) if name == "axes"]
    assert all(axes in at_plot for axes in ERROR_AXES)
    (at_knee,) = [p.help for name, p in zip(*options_of(knee), strict=True) if name == "axes"]
    assert all(word in at_knee for axes in AXES_OF for word in axes.split(","))


def options_of(command):
    """The names of a command's parameters, and what is declared of each."""
    count = command.__code__.co_argcount
    return command.__code__.co_varnames[:count], command.__defaults__
