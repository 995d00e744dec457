"""The rules of the tests' layout, each a function from the root of a checkout to its violations."""

import re
from pathlib import Path

from tests.support import layout_rules as rules

FOLDERS = ("benchmarks", "examples", "paretoprune", "tests")


def files_of_tests(root: Path) -> list[Path]:
    return sorted((root / "tests").rglob("test_*.py"))


def imported_tests(root: Path) -> list[str]:
    """What a file of tests shares stands in `tests/support`: nothing imports a file of tests.

    Code in strings counts too, as tests run some of it in other processes.
    """
    names = "|".join(sorted({path.stem for path in files_of_tests(root)}))
    used = re.compile(rf"^\s*(?:from|import) (?:tests\.|\.)[\w.]*\b(?:{names})\b.*$", re.MULTILINE)
    package = re.compile(rf"^\s*from (?:tests|\.)[\w.]* import .*\b(?:{names})\b.*$", re.MULTILINE)
    return [
        f"{path.relative_to(root)}: {found.strip()}"
        for folder in FOLDERS
        for path in rules.files_of(root / folder)
        for pattern in (used, package)
        for found in pattern.findall(path.read_text())
    ]


def units_of_nothing(root: Path) -> list[str]:
    """`tests/unit` mirrors the package: each of its folders is one of the package."""
    unit = root / "tests" / "unit"
    folders = {path.parent.relative_to(unit) for path in unit.rglob("test_*.py")}
    return sorted(
        str(folder)
        for folder in folders
        if not (root / rules.PACKAGE / folder / "__init__.py").is_file()
    )


def tests_in_support(root: Path) -> list[str]:
    """pytest collects `test_*.py` only, so a test elsewhere would never run."""
    return [
        f"{path.relative_to(root)}: {name}"
        for path in rules.files_of(root / "tests")
        if not path.name.startswith("test_")
        for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.MULTILINE)
    ]


def large_tests(root: Path) -> list[str]:
    """Files and functions of tests are as small as those of the package, and there is no drawer."""
    return rules.large_files(root / "tests")
