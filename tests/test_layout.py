"""The import rules of DESIGN.md, section 2, and the sizes of files and functions."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import paretoprune

ROOT = Path(paretoprune.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "core"}
TORCH_FREE = [
    "search",
    "front",
    "knee",
    "store",
    "run",
    "settings",
    "rounds",
    "ahead",
    "reading",
    "documents",
    "progress",
    "console",
    "errors",
    "recipes",
    "keeping",
    "files",
    "compare",
    "comparable",
    "gap",
    "cost",
    "own",
]
BELOW_STUDY = [
    "train",
    "step",
    "problem",
    "building",
    "own",
    "losses",
    "scaling",
    "prunable",
    "sizes",
    "compact",
    "fleet",
    "combine",
    "updates",
    "complexity",
    "pruning",
    "models",
    "datasets",
    "run",
]


def module_of(path: Path) -> str:
    """`paretoprune/search/knee.py` -> `search.knee`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Every module that a file imports, also inside functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def users_of(package: str) -> set[str]:
    """Our modules that import a package."""
    return {
        module_of(path)
        for path in FILES
        if any(name == package or name.startswith(f"{package}.") for name in imports_of(path))
    }


def within(modules: set[str], allowed: list[str]) -> bool:
    return all(module.split(".")[0] in allowed for module in modules)


def test_each_library_is_used_where_it_belongs():
    assert within(users_of("typer") | users_of("rich"), ["cli", "console"])
    assert within(users_of("matplotlib"), ["plot"])
    assert within(users_of("pymoo"), ["front", "knee"])
    assert within(users_of("pyarrow") | users_of("safetensors"), ["store"])
    assert within(users_of("torch_pruning"), ["compact"])
    assert within(users_of("ray"), ["cluster"])
    assert within(users_of("onnx") | users_of("onnxruntime"), ["export"])
    for package in (
        "typer",
        "matplotlib",
        "pymoo",
        "pyarrow",
        "torch_pruning",
        "onnxruntime",
        "ray",
    ):
        assert users_of(package), f"the rule for {package} checks nothing"


def test_nothing_imports_the_command_line():
    users = {user.split(".")[0] for user in users_of("paretoprune.cli")}
    assert users == {"__main__", "cli"}


def test_training_does_not_know_who_asks_for_it():
    for module in ("search", "store", "study", "loop", "rounds", "reading", "front", "knee"):
        users = {user.split(".")[0] for user in users_of(f"paretoprune.{module}")}
        assert not users & set(BELOW_STUDY), module


def test_deciding_and_recording_need_no_torch():
    names = [name for name in map(module_of, FILES) if name.split(".")[0] in TORCH_FREE]
    assert {name.split(".")[0] for name in names} == set(TORCH_FREE)
    code = f"""
import importlib, sys
for name in {names}:
    importlib.import_module(f"paretoprune.{{name}}")
    assert "torch" not in sys.modules, name
"""
    subprocess.run([sys.executable, "-c", code], check=True)


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


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_files_and_functions_stay_small(path):
    text = path.read_text()
    assert path.stem not in DRAWERS
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        is_command = isinstance(node, ast.FunctionDef) and module_of(path) == f"cli.{node.name}"
        if isinstance(node, ast.FunctionDef) and not is_command:
            assert node.end_lineno - node.lineno < 50, node.name
