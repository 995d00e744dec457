"""The folder of a new study."""

import pytest

from paretoprune.errors import UsageError
from paretoprune.study import storage


def test_a_new_study_takes_no_foreign_place(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="no study"):
        storage.require_free_folder(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        storage.require_free_folder(tmp_path / "thesis.tex")
    storage.require_free_folder(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    storage.require_free_folder(tmp_path / "empty")
