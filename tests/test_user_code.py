"""The line of a user's code in messages."""

import pytest

from paretoprune.errors import UsageError
from paretoprune.study.user_code import call, find
from tests.own_code import module

__all__ = ["module"]  # a fixture


@pytest.mark.parametrize("folder", ["paretoprune", "my paretoprune studies", "importlib"])
def test_the_line_of_a_users_code_is_told_whatever_its_folder_is_called(
    folder, module, tmp_path, monkeypatch
):
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / folder)
    module("mine", "def build():\n    raise KeyError(1)\n")
    module("broken", "1 / 0\n")
    with pytest.raises(UsageError, match=r"it raises KeyError: 1 \(.*mine.py, line 2\)"):
        call(find("mine:build", "--model"), {}, "it")
    with pytest.raises(UsageError, match=r"ZeroDivisionError.*broken.py, line 1\)"):
        find("broken:build", "--model")
