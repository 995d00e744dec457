"""The first version: its study is read, answers all questions and goes on for ever."""

import pandas as pd
import pytest

from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.snapshot import load_study
from paretoprune.study import storage
from tests.support import spoiling
from tests.support.spoiling import STUDY, assert_answered_or_refused


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "study"
    spoiling.copy_study(folder)
    return folder


def test_a_study_of_version_1_is_read_for_ever():
    snapshot = load_study(STUDY)
    assert snapshot.plan.settings.epochs == 3
    assert snapshot.plan.measured.lam_ref == 0.001093
    points = snapshot.points.set_index("run_id")
    assert points["nonzeros"].tolist() == [47253, 1070, 22583, 8977, 33686, 28227, 23545, 26049]
    assert points.at["573f681c07bf", "val_loss"] == pytest.approx(0.11822400214903972, rel=1e-12)
    assert points["role"].tolist() == ["search"] * 6 + ["comparison", "confirmation"]
    assert points["weights"].dropna().tolist() == ["weights/cca3ebd5a2c8.safetensors"]
    assert snapshot.front["run_id"].tolist() == [
        *("c375030dc673", "573f681c07bf", "b30ed1ae6804", "de6414aa18fc", "eda7662c0902"),
    ]
    assert snapshot.networks.at[find_knee(snapshot).network, "run_id"] == "573f681c07bf"
    history = storage.read_history(STUDY, "573f681c07bf")
    assert history["nonzeros"].tolist()[-1] == 28227


@pytest.mark.slow
def test_a_study_of_version_1_answers_all_questions(study):
    assert assert_answered_or_refused(study)


@pytest.mark.slow
def test_a_study_of_version_1_goes_on(study, paretoprune):
    before = storage.read(study)
    assert paretoprune("sweep", study).code == 0  # there is nothing left to do
    pd.testing.assert_frame_equal(storage.read(study), before)
    assert paretoprune("sweep", study, "--max-runs", "7").code == 0
    after = storage.read(study)
    pd.testing.assert_frame_equal(after[: len(before)], before)
    assert after["role"].tolist()[len(before) :] == ["search"]
