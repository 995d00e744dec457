"""The folder of a new study."""

import pytest

from paretoprune.errors import UsageError
from paretoprune.study import storage


def test_a_new_study_takes_no_foreign_place(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="no study"):
        storage.check_place(tmp_path)
    with pytest.raises(UsageError, match="is a file"):
        storage.check_place(tmp_path / "thesis.tex")
    storage.check_place(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    storage.check_place(tmp_path / "empty")
