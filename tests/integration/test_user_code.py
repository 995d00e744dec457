"""A user's own model and data, from the command line."""

from pathlib import Path

import pytest

from tests.support.user_code import TABLE


@pytest.mark.slow
def test_the_whole_way_on_the_command_line(module, paretoprune):
    module("table", TABLE)
    own = ["--dataset=table:data", "--model=table:model"]
    sweep = ["sweep", *own, "--loss=mse", "--epochs=20", "--max-runs=4", "--fleet=4", "--smgd=1"]
    assert paretoprune(*sweep).code == 0
    assert Path("table/front.png").exists(), "a study is called after its module"
    shown = paretoprune("show", "table", "--all").out
    assert "R²" in shown
    assert "acc." not in shown
    again = paretoprune("sweep", "table", "--max-runs=6")
    assert (again.code, "7 runs" in again.out) == (0, True)
    other = paretoprune("sweep", "table", "--loss=cross-entropy")
    assert (other.code, "--loss is mse, not cross-entropy" in other.err) == (2, True)
    module("table", "")
    gone = paretoprune("sweep", "table", "--max-runs=8")
    assert (gone.code, "table has no function" in gone.err) == (2, True)
