"""A study on disk, without runs."""

import pytest

from paretoprune.study import storage
from tests.support.rows import PLAN


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    storage.write_plan(folder, PLAN)
    return folder
