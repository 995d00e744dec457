"""The settings file of a study: what is read, and what is refused."""

import tomllib

import pytest
import tomli_w

from paretoprune.errors import CorruptStudyError
from paretoprune.study import storage
from tests.support.rows import PLAN


def test_the_plan_comes_back(study):
    assert storage.read_plan(study) == PLAN


def spoil(document, how):
    if how == "unknown":
        document["settings"]["colour"] = "red"
    elif how == "missing":
        del document["measured"]["lam_ref"]
    elif how == "type":
        document["settings"]["epochs"] = "ten"
    elif how == "range":
        document["settings"]["epochs"] = -1
    elif how == "measured":
        document["measured"]["lam_ref"] = 0.0
    elif how == "no table":
        del document["measured"]
    elif how == "table":
        document["budget"] = 3


@pytest.mark.parametrize(
    "how", ["unknown", "missing", "type", "range", "table", "measured", "no table"]
)
def test_a_corrupt_plan_is_named(study, how):
    path = study / "study.toml"
    document = tomllib.loads(path.read_text())
    spoil(document, how)
    path.write_text(tomli_w.dumps(document))
    with pytest.raises(CorruptStudyError, match=r"study\.toml cannot be read"):
        storage.read_plan(study)


def test_a_plan_that_is_no_toml_is_named(study):
    (study / "study.toml").write_bytes(b"\xff = [")
    with pytest.raises(CorruptStudyError, match=r"study\.toml cannot be read"):
        storage.read_plan(study)


def test_an_older_plan_takes_defaults_for_what_it_lacks(study):
    path = study / "study.toml"
    document = tomllib.loads(path.read_text())
    del document["budget"]["repeats"]
    path.write_text(tomli_w.dumps(document))
    assert storage.read_plan(study) == PLAN


def test_a_newer_study_is_named(study):
    path = study / "study.toml"
    path.write_text(path.read_text().replace("version = 1", "version = 99", 1))
    with pytest.raises(CorruptStudyError, match="newer paretoprune"):
        storage.read_plan(study)
