"""The example of CONTRIBUTING.md: a new knee rule, added to a copy of the package step by step."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.support.checkout import DATA, ROOT


@pytest.fixture
def checkout(tmp_path):
    """A copy of the package and its tests with the rule of the example."""
    file, line = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL | re.MULTILINE
    )
    copy = tmp_path / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("paretoprune", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy)
    rules = copy / "paretoprune" / "analysis" / "knee"
    (rules / "ideal.py").write_text(file)
    table = (rules / "__init__.py").read_text()
    begin = "RULES: dict[str, KneeRule] = {\n"
    assert begin in table
    table = table.replace(begin, begin + line)
    (rules / "__init__.py").write_text(
        table.replace(
            "__all__ = [", "from paretoprune.analysis.knee.ideal import ideal\n\n__all__ = ["
        )
    )
    return copy


def run(checkout, *command):
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=checkout,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_example_adds_a_rule_that_keeps_the_contract(checkout):
    answer = run(checkout, "-m", "paretoprune", "knee", DATA / "study-v1", "--rule", "ideal")
    assert answer.returncode == 0, answer.stderr
    assert "nearest to the ideal point (" in answer.stdout
    contract = "tests/contracts/test_knee_rules.py"
    tests = run(checkout, "-m", "pytest", "-q", "-n", "0", contract, "-k", "ideal")
    assert tests.returncode == 0, tests.stdout
    assert int(re.search(r"(\d+) passed", tests.stdout)[1]) > 10
    style = run(checkout, "-m", "ruff", "check", "paretoprune/analysis/knee/ideal.py")
    assert style.returncode == 0, style.stdout


@pytest.mark.slow
def test_the_example_says_where_its_name_is_missing(checkout):
    documentation = "tests/contracts/test_documentation.py"
    tests = run(checkout, "-m", "pytest", "-q", "-n", "0", documentation, "-k", "rule")
    assert tests.returncode == 1
    assert "ideal" in tests.stdout
