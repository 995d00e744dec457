"""Studies spoilt at random, and files that broke a reader once: read, or refused."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from paretoprune.errors import CorruptStudyError, ParetopruneError
from paretoprune.study import storage
from tests.support import spoiling
from tests.support.spoiling import QUESTIONS, QUICK, STUDY, assert_answered_or_refused, write_rows


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A study for properties, whose every example writes what it reads."""
    folder = tmp_path_factory.mktemp("shared") / "study"
    spoiling.copy_study(folder)
    return folder


SEARCH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], database=None)
MANY, SOME = settings(SEARCH, max_examples=12), settings(SEARCH, max_examples=3)


def picking(data):
    return lambda choices: data.draw(st.sampled_from(choices))


@MANY
@given(data=st.data())
def test_a_spoilt_table_is_read_or_refused(shared, data):
    pick, rows = picking(data), spoiling.table_of(STUDY).to_pylist()
    for _ in range(pick([1, 1, 2, 4])):
        rows = spoiling.spoil_rows(rows, storage.SCHEMA, pick)
    write_rows(shared, rows)
    assert_answered_or_refused(shared, [pick(list(QUESTIONS))])


@MANY
@given(data=st.data())
def test_a_spoilt_plan_is_read_or_refused(shared, data):
    pick = picking(data)
    (shared / "points.parquet").write_bytes((STUDY / "points.parquet").read_bytes())
    spoiling.spoil_plan(shared, pick, pick([1, 1, 2, 4]))
    assert_answered_or_refused(shared, [pick(QUICK)])


def assert_spoilt_bytes_are_read_or_refused(tmp_path_factory, target, data):
    folder = tmp_path_factory.mktemp("spoilt") / "study"
    spoiling.copy_study(folder)
    pick = picking(data)
    content = pick(spoiling.corpus(target)).read_bytes()
    spoiling.FILES[target](folder, spoiling.spoil_bytes(content, pick))


@MANY
@pytest.mark.parametrize("target", ["plan", "table"])
@given(data=st.data())
def test_spoilt_bytes_are_read_or_refused(tmp_path_factory, target, data):
    assert_spoilt_bytes_are_read_or_refused(tmp_path_factory, target, data)


@SOME
@given(data=st.data())
def test_a_spoilt_history_is_drawn_or_refused(tmp_path_factory, data):
    assert_spoilt_bytes_are_read_or_refused(tmp_path_factory, "history", data)


@pytest.mark.parametrize(
    ("target", "path"),
    [(target, path) for target in spoiling.FILES for path in spoiling.corpus(target)],
    ids=lambda value: getattr(value, "name", value),
)
def test_what_broke_a_reader_once_does_so_no_more(study, target, path):
    """Files that `benchmarks/robustness/fuzz.py` begins with, and those that it found."""
    spoiling.FILES[target](study, path.read_bytes())


def test_an_answer_that_breaks_is_seen(study, monkeypatch):
    """The law is one that can be broken."""
    monkeypatch.setitem(QUESTIONS, "balance", lambda snapshot: snapshot.points["no column"])
    with pytest.raises(KeyError):
        assert_answered_or_refused(study, ["balance"])
    monkeypatch.setitem(QUESTIONS, "balance", lambda snapshot: print("\x1b[2J"))
    with pytest.raises(AssertionError):
        assert_answered_or_refused(study, ["balance"])
    assert issubclass(CorruptStudyError, ParetopruneError)
