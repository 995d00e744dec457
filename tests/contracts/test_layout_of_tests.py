"""The rules of the tests' layout hold, and each of them can be broken."""

import shutil

import pytest

from tests.support import layout_rules_of_tests as rules
from tests.support.checkout import ROOT

SUBPROCESS = 'CODE = """\nfrom tests.unit.runner.test_rounds import names\n"""\n'

RULES = {
    rules.imported_tests: {"tests/support/sweeps.py": "from tests.integration import test_sweep"},
    rules.units_of_nothing: {"tests/unit/runner/drawer/test_jobs.py": ""},
    rules.tests_in_support: {"tests/support/sweeps.py": "def test_it():\n    assert True\n"},
    rules.large_tests: {"tests/contracts/test_models.py": "x = 1\n" * 301},
}


def copy_of(root):
    for folder in rules.FOLDERS:
        if (ROOT / folder).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "data")
            shutil.copytree(ROOT / folder, root / folder, ignore=ignored)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tests_keep_the_rule(rule):
    assert rule(ROOT) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_tests_that_break_the_rule_are_told_so(rule, tmp_path):
    copy_of(tmp_path)
    for name, text in RULES[rule].items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert rule(tmp_path)


@pytest.mark.parametrize(
    "line",
    [
        "from tests.unit.runner.test_rounds import names",
        "from tests.unit.runner import test_rounds",
        "import tests.unit.runner.test_rounds as rounds",
        "def f():\n    from .test_rounds import names",
        SUBPROCESS,
    ],
)
def test_every_way_to_import_a_test_is_found(line, tmp_path):
    copy_of(tmp_path)
    (tmp_path / "tests/unit/runner/test_sweep.py").write_text(line)
    assert len(rules.imported_tests(tmp_path)) == 1
