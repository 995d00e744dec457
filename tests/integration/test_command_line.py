"""The command line as a user meets it: answers, mistakes, exit codes."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from paretoprune import __version__
from paretoprune.study import storage

QUICK = ["--epochs=15", "--batch-size=64", "--max-runs=8", "--lr=0.02", "--fleet=8"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small real study, swept by the command itself."""
    folder = tmp_path_factory.mktemp("cli") / "my study"
    command = [sys.executable, "-m", "paretoprune", "sweep", str(folder), *QUICK]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    (folder.parent / "out").write_text(ended.stdout)
    (folder.parent / "err").write_text(ended.stderr)
    return folder


def test_a_sweep_says_what_it_does_and_what_to_do_next(study):
    out, err = ((study.parent / name).read_text() for name in ("out", "err"))
    assert "mlp on digits, 50,200 prunable weights" in " ".join(err.split())
    assert "or so in all" in err
    assert "8 runs recorded" in err
    assert "The front (validation data)" in out
    assert "11 runs, 3 of them SMGD; --max-runs is reached" in out
    assert "SMGD adam, joint moments, " in out
    assert re.search(r"the front dominates \d of 3 seeds", " ".join(out.split()))
    assert f"paretoprune compare '{study}'" in out
    assert f"paretoprune sweep '{study}' --max-runs=16" in out
    assert (study / "front.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_sweep_in_the_terminal_draws_one_live_view():
    """The bar is there, the plain lines are not."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    command = [sys.executable, "-m", "paretoprune", "sweep", "live", *QUICK, "--epochs=2"]
    with subprocess.Popen(command, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        seen = b"".join(iter(partial(read_some, master), b"")).decode()
    assert process.returncode == 0
    assert "round 1: fleet of 8" in seen
    assert "SMGD: fleet of 3" in seen
    assert "runs recorded" not in seen


def read_some(terminal):
    """What a terminal shows next; nothing once its process has ended."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def test_the_default_folder_is_named_after_data_set_and_model(paretoprune):
    assert paretoprune("sweep", "--epochs=1", "--max-runs=2", "--smgd=0").code == 0
    assert storage.is_study(Path("digits-mlp"))


def test_knee_answers_with_the_network_and_its_neighbours(paretoprune, study):
    answer = paretoprune("knee", study)
    assert answer.code == 0
    assert "next denser: " in answer.out
    assert "next sparser: " in answer.out
    assert ".safetensors" in answer.out


def test_knee_as_json(paretoprune, study):
    document = json.loads(paretoprune("knee", study, "--json").out)
    assert document["rule"] == "balance"
    assert (study / document["network"]["weights"]).is_file()
    sizes = [document[name]["nonzeros"] for name in ("denser", "network", "sparser")]
    assert sizes == sorted(sizes, reverse=True)


def test_knee_by_weight_interval_differs_in_its_reason(paretoprune, study):
    assert "range of weights" in paretoprune("knee", study, "--rule=weight-interval").out


def test_a_wish_is_fulfilled(paretoprune, study):
    points = storage.read(study)
    good = points[~points["collapsed"] & (1 - points["val_error"] >= 0.9)]
    document = json.loads(paretoprune("knee", study, "--at-least=accuracy=0.9", "--json").out)
    assert document["network"]["nonzeros"] == good["nonzeros"].min()
    small = points[~points["collapsed"] & (points["nonzeros"] <= 5000)]
    document = json.loads(paretoprune("knee", study, "--at-most=nonzeros=5000", "--json").out)
    assert document["network"]["val_error"] == small["val_error"].min()


@pytest.mark.parametrize("runs", [0, 1, 2])
def test_a_front_too_small_for_a_knee_is_said(paretoprune, study, runs):
    """A table with fewer runs answers honestly, in every form."""
    few = Path("few")
    few.mkdir()
    (few / "study.toml").write_bytes((study / "study.toml").read_bytes())
    if runs:
        rows = pq.read_table(study / "points.parquet")
        pq.write_table(
            rows.filter(pc.invert(rows["collapsed"])).slice(0, runs), few / storage.TABLE
        )
    answer = paretoprune("knee", few)
    assert (answer.code, answer.out[:8]) == (0, "no knee:")
    assert json.loads(paretoprune("knee", few, "--json").out)["network"] is None
    assert paretoprune("show", few).code == 0
    assert paretoprune("plot", few).code == 0


def test_show_prints_the_front_or_everything(paretoprune, study):
    points = storage.read(study)
    everything = json.loads(paretoprune("show", study, "--all", "--json").out)["points"]
    front = json.loads(paretoprune("show", study, "--json").out)["points"]
    assert len(everything) == len(points) == 11
    assert 0 < len(front) < 8
    assert {row["run_id"] for row in everything} == set(points["run_id"])
    lines = paretoprune("show", study, "--all", "--csv").out.splitlines()
    assert len(lines) == 12
    assert lines[0].startswith("run_id,round,role,")
    assert "← knee" in paretoprune("show", study).out


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_plot_draws_one_or_several_studies(paretoprune, study, ending):
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending]
    answer = paretoprune("plot", study, study, "-o", f"both.{ending}", "--split=test")
    assert answer.out.strip() == f"both.{ending}"
    assert Path(f"both.{ending}").read_bytes().startswith(magic)


def test_version_and_help(paretoprune):
    assert paretoprune("--version").out.strip() == __version__
    assert "sweep" in paretoprune("--help").out


MISTAKES = [
    ("sweep --dataset mnits", 2, "--dataset mnits is unknown: did you mean mnist?"),
    ("sweep --model lenet", 2, "--model lenet is unknown: did you mean lenet5?"),
    ("sweep --prunable dense", 2, "--prunable dense is neither linear, conv, all nor"),
    ("sweep --complexity l2", 2, "--complexity l2 is unknown: did you mean l1?"),
    ("sweep --search knees", 2, "--search knees is unknown: did you mean knee?"),
    ("sweep --optimizer adamw", 2, "did you mean adam?"),
    ("sweep --schedule cosin", 2, "did you mean cosine?"),
    ("sweep --device gpu", 2, "--device gpu is unknown"),
    ("sweep --epochs 0", 2, "--epochs 0 is out of range: it must be from 1 to"),
    ("sweep --batch-size -1", 2, "--batch-size -1 is out of range"),
    ("sweep --lr 0", 2, "--lr 0.0 is out of range: it must be a number above 0"),
    ("sweep --lr nan", 2, "--lr nan is out of range"),
    ("sweep --threshold -1", 2, "--threshold -1.0 is out of range"),
    ("sweep --validation 1", 2, "--validation 1.0 is out of range"),
    ("sweep --validation 0.001", 2, "--validation 0.001 cannot cut"),
    ("sweep --seed -1", 2, "--seed -1 is out of range"),
    ("sweep --max-runs 0", 2, "--max-runs 0 is out of range"),
    ("sweep --round 1", 2, "--round 1 is out of range"),
    ("sweep --tolerance -1", 2, "--tolerance -1.0 is out of range"),
    ("sweep --repeats 0", 2, "--repeats 0 is out of range"),
    ("sweep --max-runs 100000000000000", 2, "--max-runs 100000000000000 is out of range"),
    ("sweep --round 100000000000000", 2, "--round 100000000000000 is out of range"),
    ("sweep --repeats 100000000000000", 2, "--repeats 100000000000000 is out of range"),
    ("sweep --epochs 100000000000000", 2, "--epochs 100000000000000 is out of range"),
    ("sweep --batch-size 100000000000000", 2, "is out of range"),
    ("sweep --schedule auto", 2, "--schedule auto is unknown"),
    ("sweep --validation 0.9999", 2, "take a share such as 0.1"),
    ("sweep --fleet some", 2, "--fleet some is not auto or a number"),
    ("sweep --time-budget soon", 2, "--time-budget soon is not a duration"),
    ("sweep --epochs many", 2, "--epochs"),
    ("sweep --prunable conv", 2, "no layers for --prunable conv"),
    ("sweep --model lenet5", 2, "use --model mlp"),
    ("sweep foreign", 2, "foreign holds other files"),
    ("sweep foreign/thesis.tex", 2, "is a file"),
    ("knee nowhere", 2, "nowhere does not exist: `paretoprune sweep nowhere` makes one"),
    ("show foreign", 2, "foreign has no study in it"),
    ("plot nowhere", 2, "nowhere does not exist"),
    ("knee STUDY --rule elbow", 2, "--rule elbow is unknown"),
    ("knee STUDY --rule weight-intervall", 2, "did you mean weight-interval?"),
    ("knee STUDY --at-least accuracy=1", 2, "no network has accuracy at least 1"),
    ("knee STUDY --at-least acuracy=0.9", 2, "did you mean accuracy?"),
    ("knee STUDY --at-least accuracy=98", 2, "fraction between 0 and 1"),
    ("knee STUDY --at-least accuracy", 2, "write it like accuracy=NUMBER"),
    ("knee STUDY --at-most nonzeros=few", 2, "write it like nonzeros=NUMBER"),
    ("knee STUDY --at-most nonzeros=50%", 2, "write it like nonzeros=NUMBER"),
    ("knee STUDY --rule chord --at-most nonzeros=50", 2, "exclude each other"),
    ("show foreign/thesis.tex", 2, "is a file"),
    ("knee STUDY --at-most nonzeros=1 --at-least accuracy=0.5", 2, "exclude each other"),
    ("show STUDY --json --csv", 2, "exclude each other"),
    ("plot STUDY -o front.gif", 2, "the ending must be one of"),
    ("plot STUDY -o missing/front.png", 2, "there is no folder missing"),
    ("plot STUDY --split train", 2, "--split train is unknown"),
    ("sweep STUDY --epochs 9 --seed 3", 2, "--epochs is 15, not 9; --seed is 0, not 3"),
]
if sys.platform == "linux":  # where /proc is a folder that nobody can write to
    MISTAKES += [
        ("sweep /proc/study", 1, "cannot write /proc/study"),
        ("plot STUDY -o /proc/front.png", 1, "cannot write /proc/front.png"),
    ]


@pytest.mark.parametrize(("command", "code", "sentence"), MISTAKES, ids=lambda value: str(value))
def test_a_mistake_gets_one_sentence_and_its_code(paretoprune, study, command, code, sentence):
    Path("foreign").mkdir()
    Path("foreign/thesis.tex").write_text("x")
    before = sorted(Path().rglob("*"))
    words = [study if word == "STUDY" else word for word in command.split()]
    answer = paretoprune(*words)
    assert answer.code == code, answer.err
    assert sentence in " ".join(answer.err.split()), answer.err
    assert answer.out == ""
    assert "Traceback" not in answer.err
    assert sorted(Path().rglob("*")) == before, "a mistake left something behind"


def test_a_device_that_is_not_there_is_refused(paretoprune):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    answer = paretoprune("sweep", "--device", "cuda")
    assert (answer.code, "use --device cpu" in answer.err) == (2, True)


def test_missing_data_are_named_with_their_place(paretoprune, monkeypatch):
    """Without a network: the download is sent to an address that refuses it."""
    import torchvision

    mirrors = ["http://127.0.0.1:9/"]
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", mirrors)
    answer = paretoprune("sweep", "--dataset=mnist", "--data-dir=here")
    assert answer.code == 1
    for word in ("here/MNIST/raw", "train-images-idx3-ubyte", "t10k-labels", "--data-dir"):
        assert word in answer.err
    assert answer.err.count("\n") <= 2 + answer.err.count("Fail")


def test_a_corrupt_table_ends_with_4(paretoprune, study):
    Path("corrupt").mkdir()
    Path("corrupt/study.toml").write_bytes((study / "study.toml").read_bytes())
    Path("corrupt/points.parquet").write_bytes(b"no table")
    for command in ("knee", "show", "plot", "sweep"):
        answer = paretoprune(command, "corrupt")
        assert answer.code == 4
        assert "points.parquet cannot be read" in answer.err
    assert Path("corrupt/points.parquet").read_bytes() == b"no table"


def test_a_study_with_failed_runs_ends_with_3(paretoprune, study):
    """The table of a finished study, in which one run had failed."""
    shutil.copytree(study, "partly")
    rows = pq.read_table(study / "points.parquet").to_pylist()
    rows[-1] |= {"status": "failed", "failure": "no luck", "collapsed": False}
    pq.write_table(pa.Table.from_pylist(rows, storage.SCHEMA), "partly/points.parquet")
    answer = paretoprune("sweep", "partly")
    assert answer.code == 3
    assert "1 failed or diverged" in answer.out
    assert "no luck" in paretoprune("show", "partly", "--all").out


def test_a_name_with_a_dollar_can_be_drawn(paretoprune, study):
    shutil.copytree(study, r"$\frac$")
    assert paretoprune("plot", study, r"$\frac$", "-o", "both.png").code == 0


def test_missing_weights_are_said(paretoprune, study):
    shutil.copytree(study, "light")
    shutil.rmtree("light/weights")
    assert "(missing)" in paretoprune("knee", "light").out


@pytest.mark.slow
def test_a_sweep_goes_on_when_its_progress_cannot_be_written(study):
    """A closed pipe on stderr ends the progress, not the training."""
    command = [sys.executable, "-m", "paretoprune", "sweep", "unseen", *QUICK, "--epochs=2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    process.stderr.close()
    assert process.wait(timeout=120) == 0
    assert (storage.read(Path("unseen"))["status"] == "done").all()


def test_a_busy_study_ends_with_5(paretoprune, study):
    with storage.locked(study):
        answer = paretoprune("sweep", study)
        assert (answer.code, "another process" in answer.err) == (5, True)
        assert paretoprune("show", study).code == 0
