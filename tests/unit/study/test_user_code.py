"""A user's functions: how they are found and called, and what is said where they fail."""

import pytest

from paretoprune.errors import UsageError
from paretoprune.study.user_code import call, find


def test_a_function_is_found_in_the_current_folder(module):
    module("mine", "def build():\n    return 3\n")
    assert find("mine:build", "--model")() == 3
    module("deep.er.mine", "def build():\n    return 4\n")
    assert find("deep.er.mine:build", "--model")() == 4


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("absent:build", "--model absent:build: there is no module absent in the current folder"),
        ("mine:bild", "mine has no function bild: did you mean build?"),
        ("mine:number", "mine has no function number"),
        ("mine:", "is no name of a function: write it like package.module:function"),
        ("a b:c", "is no name of a function"),
        ("os:abort", "os is one of Python's own modules"),
        (
            "broken:build",
            r"broken:build cannot be imported: ZeroDivisionError.*broken.py, line 1\)",
        ),
        ("needy:build", "No module named 'not_there', which it imports: install it"),
        ("__main__:build", "was given by a Python program"),
    ],
)
def test_what_cannot_be_found_is_said(module, name, complaint):
    module("mine", "number = 3\ndef build():\n    return 3\n")
    module("broken", "1 / 0\n")
    module("needy", "import not_there\n")
    with pytest.raises(UsageError, match=complaint):
        find(name, "--model")


def test_a_function_is_given_what_it_asks_for():
    offered = {"shape": (3,), "classes": 2}
    assert call(lambda: 0, offered, "it") == 0
    assert call(lambda classes: classes, offered, "it") == 2
    assert call(lambda classes, width=7, **rest: (classes, width, rest), offered, "it") == (
        2,
        7,
        {},
    )
    with pytest.raises(UsageError, match=r"^it needs width, and is offered shape and classes only"):
        call(lambda width: width, offered, "it")
    with pytest.raises(UsageError, match=r"^it raises KeyError: 'no'.*test_user_code.py, line"):
        call(lambda: {}["no"], offered, "it")


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
