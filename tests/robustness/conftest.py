"""A study of version 1, to be spoilt."""

import pytest

from tests.support import spoiling


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    spoiling.copy_study(folder)
    return folder
