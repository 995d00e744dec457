"""The settings file of a study: what is read, and what is refused."""

import tomllib
from dataclasses import replace

import pytest
import tomli_w

from paretoprune.errors import CorruptStudyError
from paretoprune.study import storage
from paretoprune.study.column import Column
from tests.support.rows import PLAN


def test_the_plan_comes_back(study):
    assert storage.read_plan(study) == PLAN


def spoil(document, how):
    if how == "unknown":
        document["measured"]["colour"] = "red"
    elif how == "no scalar":
        document["settings"]["colour"] = ["red"]
    elif how == "unprintable":
        document["budget"]["colour"] = "\x1b[2J"
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
    "how",
    [
        "unknown",
        "no scalar",
        "unprintable",
        "missing",
        "type",
        "range",
        "table",
        "measured",
        "no table",
    ],
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


def test_options_of_methods_come_back_among_the_others(study):
    settings, budget = (("warmth", 0.5),), (("smgd", 3), ("split", True))
    plan = replace(
        PLAN,
        settings=replace(PLAN.settings, further=settings),
        budget=replace(PLAN.budget, further=budget),
        further_columns=(Column("depth", "whole", "steps behind", "steps", is_mean=True),),
    )
    storage.write_plan(study, plan)
    document = tomllib.loads((study / "study.toml").read_text())
    assert document["settings"]["warmth"] == 0.5
    assert (document["budget"]["smgd"], document["budget"]["split"]) == (3, True)
    again = storage.read_plan(study)
    assert (again.settings.further, again.budget.further) == (settings, budget)
    (column,) = again.further_columns
    assert (column.name, column.kind, column.unit, column.is_mean) == (
        "depth",
        "whole",
        "steps",
        True,
    )
    assert "depth" in again.columns


@pytest.mark.parametrize(
    "change",
    [
        *({"name": name} for name in ("val_loss", "a b", "seeds", "nonzeros_sd", "x" * 100, 3)),
        *({"kind": kind} for kind in ("layers", "text", "", 3)),
        *({"meaning": "\x1b"}, {"unit": 3}, {"is_mean": 1}, {"is_variant": []}, {"colour": "red"}),
    ],
    ids=str,
)
def test_a_column_that_cannot_be_one_is_named(study, change):
    column = Column("depth", "whole", "steps behind", "steps", is_mean=True)
    storage.write_plan(study, replace(PLAN, further_columns=(column,)))
    path = study / "study.toml"
    document = tomllib.loads(path.read_text())
    document["columns"][0] |= change
    path.write_text(tomli_w.dumps(document))
    with pytest.raises(CorruptStudyError, match=r"study\.toml cannot be read: its columns"):
        storage.read_plan(study)
