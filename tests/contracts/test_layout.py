"""The rules of DESIGN.md, section 2, hold for the package, and each of them can be broken."""

import shutil
import subprocess
import sys

import pytest

from tests.support import layout_rules as rules
from tests.support.layout_rules import ROOT

TORCH_FREE = ("study", "analysis", "search", "report")
FREE_MODULES = (
    "cli",
    "training.methods",
    "runner.asynchronous",
    "runner.events",
    "runner.executors",
    "runner.executors.ray",
    "runner.retention",
)

RULES = {
    rules.climbing_imports: {"study/run.py": "def f():\n    from paretoprune.runner import loop"},
    rules.strange_entries: {"drawer/__init__.py": ""},
    rules.libraries_astray: {"report/documents.py": "import rich.table"},
    rules.printing_modules: {"training/step.py": "print(1)"},
    rules.work_in_the_report: {
        "report/documents.py": "def f():\n    from paretoprune.runner.sweep import sweep"
    },
    rules.crowded_folders: {f"search/more{number}.py": "" for number in range(17)},
    rules.repeated_names: {"search/retention.py": ""},
    rules.large_files: {"search/grid.py": "x = 1\n" * 301},
    rules.asking_docstrings: {"search/grid.py": '"""What is a grid? Answers."""'},
    rules.private_imports: {
        "runner/loop.py": "from paretoprune.study.storage.thrift import read_footer"
    },
    rules.long_chains: {
        **{f"study/c{n}.py": f"from paretoprune.study import c{n + 1}" for n in range(20)},
        "study/c20.py": "",
    },
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_package_keeps_the_rule(rule):
    assert rule(ROOT) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_package_that_breaks_the_rule_is_told_so(rule, tmp_path):
    root = tmp_path / "paretoprune"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in RULES[rule].items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    assert set(rule(root)) - set(rule(ROOT))


@pytest.mark.parametrize(
    "text",
    ["def f():\n" + "    x = 1\n" * 50, "import paretoprune.errors\n" * 301],
    ids=["function", "file"],
)
def test_what_is_long_is_found(text, tmp_path):
    (tmp_path / "one.py").write_text(text)
    assert rules.large_files(tmp_path)


def test_a_drawer_is_found(tmp_path):
    (tmp_path / "utils.py").write_text("")
    assert rules.large_files(tmp_path) == ["utils is a drawer"]


def torch_users(names: list[str]) -> str:
    """What a fresh process says where one of the modules loads torch."""
    code = f"""
import importlib, sys
for name in {names}:
    importlib.import_module(f"paretoprune.{{name}}")
    assert not {{"torch", "ray"}} & set(sys.modules), name
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    return ended.stderr


def test_deciding_and_recording_need_no_torch():
    modules = [rules.module_of(path, ROOT) for path in rules.files_of(ROOT)]
    names = [name for name in modules if name.split(".")[0] in TORCH_FREE]
    assert {name.split(".")[0] for name in names} == set(TORCH_FREE)
    said = torch_users([*names, *FREE_MODULES, "training.step"])
    assert said.endswith("AssertionError: training.step\n"), "the last one loads torch"


def test_help_loads_nothing_heavy():
    code = """
import sys
from paretoprune.__main__ import main
try:
    main(["sweep", "--help"])
except SystemExit:
    heavy = {"ray", "torch", "pandas", "pyarrow", "matplotlib", "pymoo", "sklearn", "numpy"}
    sys.exit(", ".join(heavy & set(sys.modules)) or None)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
