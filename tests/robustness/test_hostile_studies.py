"""A study may be a stranger's: what is in it is read, or refused in one sentence."""

import ast
import os
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import paretoprune as package
from paretoprune.errors import CorruptStudyError
from paretoprune.study import storage
from tests.support import hostile_files as hostile
from tests.support import spoiling
from tests.support.hostile_files import Touching, good_row
from tests.support.spoiling import QUESTIONS, QUICK, assert_answered_or_refused, write_rows

BROKEN_LAYERS = [*spoiling.LAYERS[1:3], *spoiling.LAYERS[4:9], spoiling.LAYERS[10]]


# Tables


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("is not named by 12", {"run_id": "../../up"}),
        ("is not named by 12", {"run_id": None}),
        ("has an unknown role", {"role": "x"}),
        ("has no method", {"method": None}),
        ("has an unknown status", {"status": "Done"}),
        ("has another run's path in weights", {"weights": "weights/../../x.safetensors"}),
        ("has another run's path in log", {"log": "/etc/passwd"}),
        ("has no collapsed", {"collapsed": None}),
        ("has no failure", {"failure": None}),
        ("has no device", {"device": None}),
        ("has no split", {"split": None}),
        ("has an impossible round", {"round": -1}),
        ("has an impossible seed", {"seed": None}),
        ("has an impossible epochs", {"epochs": 0}),
        ("has an impossible fleet_size", {"fleet_size": 2**62}),
        ("has an impossible nonzeros", {"nonzeros": -1}),
        ("has more nonzeros than weights", {"nonzeros": 7}),
        ("has an impossible seconds", {"seconds": -1.0}),
        ("has an impossible seconds", {"seconds": float("inf")}),
        ("is done with an impossible train_loss", {"train_loss": float("nan")}),
        ("is done with an impossible val_loss", {"val_loss": float("inf")}),
        ("is done with an impossible val_loss", {"val_loss": None}),
        ("is done with an impossible val_error", {"val_error": 1.5}),
        ("is done with an impossible complexity", {"complexity": -1.0}),
        ("is done with an impossible l1", {"l1": 1e300}),
        ("is done with an impossible prunable_weights", {"prunable_weights": 0, "nonzeros": 0}),
        ("is done and has no layers", {"layers": None}),
        ("has an impossible lam", {"lam": 1.0}),
        ("has an impossible lam", {"lam": -0.1}),
        ("has no lam", {"lam": None}),
        ("has no lam", {"lam": None, "method": "smgd"}),
        ("has a device that is no name", {"device": "\x1b[2J"}),
        ("has a optimizer that is no name", {"optimizer": "a\nb"}),
        ("has a moments that is no name", {"moments": "$x^{$"}),
        ("has a torch_version that is no name", {"torch_version": "a" * 201}),
        *(("has impossible layers", {"layers": layers}) for layers in BROKEN_LAYERS),
    ],
)
def test_what_no_run_ends_as_is_refused(study, rule, changes):
    write_rows(study, [good_row(run_id="fedcba987654"), good_row(**changes)])
    named = rf"points\.parquet cannot be read \(run .* {rule}.*\): restore it, or move it away"
    with pytest.raises(CorruptStudyError, match=named):
        storage.read(study)


@pytest.mark.parametrize("lam", [0.1, None])
def test_all_runs_of_a_method_have_a_lam_or_none_has(study, lam):
    rows = [
        good_row(run_id=f"{number:012x}", method="smgd", role="comparison", lam=given)
        for number, given in enumerate([lam, None if lam else 0.1])
    ]
    write_rows(study, rows)
    with pytest.raises(CorruptStudyError, match="has a lam where other runs of its method have"):
        storage.read(study)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failed", "failure": "x", "val_loss": None, "seconds": None, "layers": []},
        {"status": "diverged", "failure": "x", "val_loss": float("inf"), "l1": float("nan")},
        {"test_loss": float("inf")},
        {"role": "comparison", "method": "smgd", "lam": None, "search": None},
        {"role": "derived", "parent": "fedcba987654"},
        {"layers": []},
        {"collapsed": True, "nonzeros": 0},
    ],
)
def test_what_a_run_may_end_as_is_read(study, changes):
    write_rows(study, [good_row(run_id="fedcba987654"), good_row(**changes)])
    assert len(storage.read(study)) == 2
    assert assert_answered_or_refused(study, [*QUICK, "compare validation"])


def test_text_of_a_table_is_no_command_to_the_terminal(study, paretoprune):
    text = "no luck\x1b[2J\x9b31m\r\nλ = 0 [red]"
    write_rows(study, [good_row(status="failed", failure=text)])
    for form in ((), ("--json",), ("--csv",)):
        out = paretoprune("show", study, "--all", *form).out
        assert out.replace("\n", "").isprintable()
    assert r"no luck\x1b[2J\x9b31m\r\nλ = 0 [red]" in paretoprune("show", study).out


@pytest.mark.slow
def test_the_name_of_a_study_is_no_formula(study):
    named = study.rename(study.with_name("$x^{$ [red]"))
    assert assert_answered_or_refused(named, [name for name in QUESTIONS if "plot" in name])


@pytest.mark.filterwarnings("error")
def test_infinite_test_losses_are_compared(study):
    """They are nobody's choice, so a run may be done with one."""
    infinite = {"test_loss": float("inf")}
    other = {"run_id": "fedcba987654", "role": "comparison", "method": "smgd", "lam": None}
    write_rows(study, [good_row(**infinite), good_row(**other, **infinite)])
    assert assert_answered_or_refused(study, ["compare test", "plot front test"])


BOMBS = {
    "repeated text": (hostile.repeated_text, "out of proportion"),
    "repeated name": (hostile.repeated_name, "out of proportion"),
    "many rows": (hostile.many_rows, "more than 1,000,000 rows"),
    "many layers": (hostile.many_layers, "too many for its size"),
    "gzip": (partial(hostile.compressed, "gzip"), "not by Snappy"),
    "zstd": (partial(hostile.compressed, "zstd"), "not by Snappy"),
    "brotli": (partial(hostile.compressed, "brotli"), "not by Snappy"),
    "shared beginnings": (hostile.shared_beginnings, "an encoding that is not known"),
    "wide values": (hostile.wide_values, "a type that is not known"),
    "lying page": (hostile.lying_page, "another number of values"),
}

READ_ALL = """
import re, sys
from pathlib import Path
from paretoprune.study import storage as store
from paretoprune.errors import CorruptStudyError

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1000

before = peak()
for folder in sys.argv[1:]:
    try:
        store.read(Path(folder))
    except CorruptStudyError as error:
        print(peak() - before, error)
    else:
        print(peak() - before, "was read")
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak of a process's memory")
def test_a_small_file_takes_little_memory(tmp_path):
    """Each of them takes more than a gigabyte, or a tenth of it made small for this test."""
    for name, (write, _) in BOMBS.items():
        spoiling.copy_study(tmp_path / name)
        write(tmp_path / name / "points.parquet")
    folders = [str(tmp_path / name) for name in BOMBS]
    command = [sys.executable, "-c", READ_ALL, *folders]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    for (_, rule), line in zip(BOMBS.values(), ended.stdout.splitlines(), strict=True):
        megabytes, said = line.split(" ", 1)
        assert rule in said
        assert int(megabytes) < 150, said


def test_a_table_holds_no_program(study):
    """Old versions of pyarrow unpickled what such a type's metadata hold."""
    extension = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(Touching()),
    }
    table = pa.Table.from_pylist([good_row()], storage.SCHEMA)
    place = table.column_names.index("device")
    field = pa.field("device", pa.string(), metadata=extension)
    pq.write_table(table.set_column(place, field, table["device"]), study / "points.parquet")
    assert assert_answered_or_refused(study, QUICK)
    assert not Path("touched").exists()


def test_nothing_runs_what_a_file_holds():
    """No pickle, no `eval`: a file can say nothing but data."""
    root = Path(package.__file__).parent
    for path in root.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
                assert not names & {"pickle", "marshal", "shelve", "dill", "joblib"}, path
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                is_empty = [ast.unparse(given) for given in node.args] == ["''"]
                assert is_empty or called not in ("eval", "exec", "torch.load", "np.load"), path


# Files that are none


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize("name", ["points.parquet", "history/921bf57a0f13.parquet"])
def test_nobody_waits_at_a_pipe(study, name):
    (study / name).unlink()
    os.mkfifo(study / name)
    with pytest.raises(CorruptStudyError, match="neither a file nor a folder: remove it"):
        (storage.read(study), storage.read_history(study, "921bf57a0f13"))


@pytest.mark.parametrize("name", ["points.parquet", "history/921bf57a0f13.parquet"])
def test_a_folder_in_the_place_of_a_file_is_named(study, name):
    (study / name).unlink()
    (study / name).mkdir()
    with pytest.raises(CorruptStudyError, match="cannot be read"):
        (storage.read(study), storage.read_history(study, "921bf57a0f13"))


@pytest.mark.parametrize("epoch", [float("nan"), float("inf"), 0.0, -1.0, 1e9])
def test_an_epoch_is_a_number_of_an_epoch(study, epoch):
    path = study / "history" / "921bf57a0f13.parquet"
    history = pq.read_table(path).to_pandas()
    history.loc[0, "epoch"] = epoch
    history.to_parquet(path)
    with pytest.raises(CorruptStudyError, match="an epoch is no number of an epoch"):
        storage.read_history(study, "921bf57a0f13")
