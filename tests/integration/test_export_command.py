"""Handing a network over: which run, in which file, how small, and nothing else altered."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import paretoprune as pp
from paretoprune.analysis.aggregate import choosable
from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.snapshot import load_study
from paretoprune.errors import UsageError
from paretoprune.export.export import export
from paretoprune.export.trained_network import chosen_run
from paretoprune.problem.build import Environment
from paretoprune.problem.models import MODELS
from paretoprune.runner.sweep import sweep
from paretoprune.study import storage
from tests.support.sweeps import quiet, request

SWEPT = {"complexity": "group-l1", "epochs": 12, "threshold": 3e-3}


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A study of the digits, trained once."""
    folder = tmp_path_factory.mktemp("swept") / "study"
    sweep(request(folder, settings=SWEPT, max_runs=6, fleet=6), quiet)
    return folder


def content(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def sparsest(folder):
    return choosable(load_study(folder).networks).sort_values("nonzeros").iloc[0]["run_id"]


def test_a_network_is_written_as_it_was_trained(swept, paretoprune):
    before, run = content(swept), sparsest(swept)
    answer = paretoprune("export", swept, "--run", run[:6], "-o", "net.safetensors", "--not-timed")
    assert answer.code == 0
    network = MODELS["mlp"]((1, 8, 8), 10)
    network.load_state_dict(load_file("net.safetensors"))
    row = load_study(swept).points.set_index("run_id").loc[run]
    weights = [one for name, one in network.state_dict().items() if name.endswith("weight")]
    assert sum(int(one.count_nonzero()) for one in weights) == row["nonzeros"]
    assert "read back, the file's outputs differ by at most 0" in answer.out
    assert "Zeros alone make no dense kernel faster" in answer.out
    assert content(swept) == before, "exporting never alters the study"


@pytest.mark.parametrize(
    "ending", [".safetensors", ".pt2", pytest.param(".onnx", marks=pytest.mark.slow)]
)
def test_a_compact_network_is_smaller_and_says_the_same(swept, ending):
    snapshot, run = load_study(swept), sparsest(swept)
    path = Path(f"net{ending}")
    made = export(snapshot, run, path, Environment(), is_compact=True, is_timed=False)
    row = snapshot.points.set_index("run_id").loc[run]
    assert made.compact_size.parameters == row["compact_parameters"] < made.stored.parameters
    assert made.stored.parameters == row["parameters"]
    assert (made.compact_size.neurons, made.compact_size.dense_flops) == (
        row["neurons"],
        row["compact_flops"],
    )
    assert sum(made.removed.values()) == made.stored.neurons - made.compact_size.neurons > 0
    assert made.max_difference < 1e-4
    assert made.file_max_difference < 1e-4
    assert made.file_bytes == path.stat().st_size > made.gzip_bytes


def test_a_compact_file_fits_into_the_model_again(swept):
    run = sparsest(swept)
    export(
        load_study(swept),
        run,
        Path("net.safetensors"),
        Environment(),
        is_compact=True,
        is_timed=False,
    )
    small = pp.load_compact("net.safetensors", MODELS["mlp"]((1, 8, 8), 10))
    images = torch.rand(20, 1, 8, 8)
    whole = pp.Study(swept).load(run)
    torch.testing.assert_close(small(images), whole(images), rtol=1e-4, atol=1e-4)
    assert small[1].out_features == len(small[1].weight) < 300
    with pytest.raises(UsageError, match=r"unknown|missing"):
        pp.load_compact("net.safetensors", torch.nn.Linear(3, 3))


def test_the_knee_is_handed_over_unless_another_is_named(swept):
    snapshot = load_study(swept)
    knee = find_knee(snapshot)
    assert chosen_run(snapshot, "knee")["run_id"] == knee.front.at[knee.network, "run_id"]


@pytest.mark.slow
def test_sizes_and_speeds_are_there_for_a_program(swept, paretoprune):
    answer = paretoprune(
        "export", swept, "--run", sparsest(swept), "-o", "a.safetensors", "--compact", "--json"
    )
    found = json.loads(answer.out)
    assert found["left"]["parameters"] < found["stored"]["parameters"]
    assert found["stored"]["flops"] < found["stored"]["dense_flops"]
    timed = {(one["network"], one["batch"]) for one in found["latencies"]}
    assert timed >= {("dense", 1), ("dense", 64), ("compact", 1), ("compact", 64)}
    text = paretoprune("export", swept, "--run", sparsest(swept), "-o", "b.safetensors").out
    assert "as it was trained, zeros included" in text
    assert all(f"{kind} " in text for kind in ("dense", "compact"))


@pytest.mark.parametrize(
    ("options", "code", "complaint"),
    [
        (["-o", "net.pth"], 2, "net.pth: name a file in .safetensors, .pt2, .onnx"),
        (["-o", "no/net.pt2", "--not-timed"], 2, "there is no folder no"),
        (["-o", "net.pt2", "--run", "zzz"], 2, "has no run called zzz"),
        (["-o", "net.pt2", "--run", ""], 2, "has no run called nothing"),
        (["-o", "net.pt2", "--device", "tpu"], 2, "--device tpu is unknown"),
        ([], 2, "--output"),
    ],
)
def test_mistakes_end_in_a_sentence(swept, paretoprune, options, code, complaint):
    run = [] if "--run" in options else ["--run", sparsest(swept)]
    answer = paretoprune("export", swept, *options, *run)
    assert answer.code == code
    assert complaint in answer.err
    assert not list(Path().glob("net*"))


@pytest.mark.slow
def test_weights_that_were_not_kept_cannot_be_handed_over(paretoprune):
    sweep(request("study", max_runs=4, keep_weights="none"), quiet)
    run = storage.read(Path("study"))["run_id"].iloc[0]
    answer = paretoprune("export", "study", "--run", run, "-o", "net.pt2")
    assert (answer.code, "were not kept: `sweep study --keep-weights all`" in answer.err) == (
        1,
        True,
    )
    sweep(request("other", max_runs=4), quiet)
    row = storage.read(Path("other")).iloc[0]
    Path("other", row["weights"]).unlink()
    answer = paretoprune("export", "other", "--run", row["run_id"], "-o", "net.pt2")
    assert (answer.code, "is missing: restore it" in answer.err) == (1, True)


def test_weights_of_another_network_are_corrupt(paretoprune):
    sweep(request("study", max_runs=4), quiet)
    row = storage.read(Path("study")).iloc[0]
    storage.tensors.write_tensors(Path("study", row["weights"]), {"x": torch.zeros(3)}, {})
    answer = paretoprune("export", "study", "--run", row["run_id"], "-o", "net.pt2")
    assert (answer.code, "does not hold the weights of mlp" in answer.err) == (4, True)


def test_every_run_begins_with_the_weights_that_are_given(swept, paretoprune):
    run = sparsest(swept)
    export(load_study(swept), run, Path("first.safetensors"), Environment(), is_timed=False)
    row = load_study(swept).points.set_index("run_id").loc[run]
    begun = {"init": "first.safetensors", "epochs": 1, "learning_rate": 1e-9, "threshold": 0.0}
    summary = sweep(request("more", settings=begun, max_runs=2), quiet)
    assert (summary.points["nonzeros"] > row["nonzeros"]).all(), "zeros move a little"
    for loss in summary.points["val_loss"]:
        assert loss == pytest.approx(row["val_loss"], abs=1e-4)
    assert (summary.points["role"] == "search").all()
    Path("first.safetensors").write_bytes(Path("first.safetensors").read_bytes()[:-8] + b"\1" * 8)
    answer = paretoprune("sweep", "more", "--max-runs=3")
    assert (answer.code, "has changed since more began" in answer.err) == (2, True)
    for option in ("--repeats=2", "--smgd=2"):
        answer = paretoprune("sweep", "new", "--init=first.safetensors", option)
        assert (answer.code, "no meaning with --init" in answer.err) == (2, True)
    answer = paretoprune("sweep", "new", "--init=first.safetensors", "--dataset=mnist")
    assert answer.code in (1, 2)
    small = Path("small.safetensors")
    export(load_study(swept), run, small, Environment(), is_compact=True, is_timed=False)
    answer = paretoprune("sweep", "new", "--init=small.safetensors")
    assert (answer.code, "holds another network's weights: 1.weight is" in answer.err) == (2, True)
