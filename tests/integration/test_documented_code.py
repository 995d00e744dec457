"""The Python code in the documents runs as it stands."""

import re
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

LIBRARY = "import paretoprune as pp"


def blocks(name):
    """The Python blocks of a document, in order."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / name).read_text(), re.DOTALL | re.MULTILINE)


def run(code, names, what):
    exec(compile(code, what, "exec"), names)


@pytest.fixture
def names():
    """As a program has them that is started."""
    return {"__name__": "__main__"}


@pytest.mark.slow
def test_own_networks_and_data_are_swept_as_documented(names, capsys):
    for number, code in enumerate(blocks("docs/own.md"), 1):
        run(code, names, f"docs/own.md, block {number}")
    assert "8 runs" in capsys.readouterr().out
    assert Path("front.png").stat().st_size > 0
    assert names["accuracy"] > 0.5
    exported = names["exported"]
    assert (
        sum(one.numel() for one in names["small"].parameters()) == exported.compact_size.parameters
    )


def test_the_readmes_python_runs(names):
    for number, code in enumerate(blocks("README.md"), 1):
        if LIBRARY in code:
            run(code, names, f"README.md, block {number}")
