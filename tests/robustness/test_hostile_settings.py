"""A stranger's plan (`study.toml`): what is none, or cannot be, is named in one sentence."""

import pytest

from paretoprune.errors import CorruptStudyError
from paretoprune.study import storage


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"x = " + b"[" * 20_000, "nested too deeply"),
        (b"a" * 60_000, "more than 50,000 bytes"),
        (b"\xff\xfe", "can't decode byte"),
        (b"version = true", "version is True"),
        (b"version = 1.0", "version is 1.0"),
        (b"version = nan", "version is nan"),
        (b"version = '1'", "version is '1'"),
        (b"version = 2", "newer paretoprune"),
        (b"version = 1", "has no table 'settings'"),
        (b"settings = 1\nbudget = 1\nmeasured = 1", "cannot be read"),
        (b"x = " + b"9" * 5000, "cannot be read"),
    ],
)
def test_a_plan_that_is_none_is_named(study, text, rule):
    (study / "study.toml").write_bytes(text)
    with pytest.raises(CorruptStudyError, match=r"study\.toml") as refusal:
        storage.read_plan(study)
    assert rule in str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("learning_rate = 0.02", f"learning_rate = {10**400}"),
        ("validation_images = 144", f"validation_images = {2**63}"),
        ("tolerance = 0.0001", "tolerance = nan"),
        ("lam_ref = 0.001093", "lam_ref = inf"),
        ('optimizer = "adam"', 'optimizer = ["adam"]'),
        ("split = false", "split = [0]"),
        ("seed = 0", "seed = 0.0"),
        ('prunable = "linear"', 'prunable = "linear,[!\\u001b]*"'),
        ('prunable = "linear"', 'prunable = "linear"\nexclude = "\\u001b[2J"'),
        ('method = "weighted-sum"', 'method = "\\u001b[2J\\n"'),
    ],
)
def test_a_hostile_entry_is_named(study, old, new):
    path = study / "study.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(CorruptStudyError, match=r"study\.toml cannot be read") as refusal:
        storage.read_plan(study)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 1000
