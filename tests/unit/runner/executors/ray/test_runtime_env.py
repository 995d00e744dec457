"""Which code is sent to workers."""

import importlib.util
import json
import sys

import pytest

from paretoprune.runner.executors.ray.runtime_env import home_of, runtime_env


def test_only_code_of_ones_own_is_sent(tmp_path, monkeypatch):
    folder = tmp_path / "mine" / "inner"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("def net(): ...\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    own = importlib.import_module("mine.inner")
    assert home_of(own.net) == tmp_path
    assert home_of(pytest.fixture) is None
    assert home_of(json.dumps) is None
    assert runtime_env([json.dumps]) == {}
    sent = runtime_env([own.net, json.dumps])
    assert sent["working_dir"] == str(tmp_path)
    assert "py_executable" not in sent or " " in sys.executable
    monkeypatch.setattr(sys, "executable", "/of a user/bin/python")
    assert runtime_env([own.net])["py_executable"] == "'/of a user/bin/python'"
    del sys.modules["mine.inner"], sys.modules["mine"]
