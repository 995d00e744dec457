"""Which weights count: kinds of layers, and patterns on their names."""

import pytest
from torch import nn

from paretoprune.errors import UsageError
from paretoprune.problem.models import MODELS
from paretoprune.pruning.selection import PRUNABLE, prunable_names


class Net(nn.Module):
    """A part of every kind."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3))
        self.attention = nn.MultiheadAttention(8, 2)
        self.apart = nn.MultiheadAttention(8, 2, kdim=4, vdim=4)
        self.signal = nn.Conv1d(2, 3, 3)
        self.words = nn.Embedding(5, 8)
        self.back = nn.Linear(8, 5)
        self.back.weight = self.words.weight
        self.classifier = nn.Linear(4, 2)
        self.frozen = nn.Linear(4, 2)
        self.frozen.requires_grad_(False)


CONVOLUTIONS = {"features.0.weight", "features.2.weight", "signal.weight"}
DENSE = {
    *("attention.in_proj_weight", "attention.out_proj.weight", "apart.out_proj.weight"),
    *(f"apart.{which}_proj_weight" for which in "qkv"),
    *("words.weight", "classifier.weight"),
}


@pytest.mark.parametrize(
    ("chosen", "excluded", "names"),
    [
        ("linear", "", DENSE),
        ("conv", "", CONVOLUTIONS),
        ("all", "", DENSE | CONVOLUTIONS),
        ("conv, linear", "", DENSE | CONVOLUTIONS),
        ("features.*", "", {"features.0.weight", "features.2.weight"}),
        ("features.0,classifier", "", {"features.0.weight", "classifier.weight"}),
        ("*.weight", "", {*CONVOLUTIONS, *DENSE} - {n for n in DENSE if "_weight" in n}),
        ("all", "linear", CONVOLUTIONS),
        ("all", "apart*,features.?", {n for n in DENSE if n[:2] != "ap"} | {"signal.weight"}),
        ("words", "", {"words.weight"}),
    ],
)
def test_kinds_and_patterns_name_layers(chosen, excluded, names):
    found = prunable_names(Net(), chosen, excluded)
    assert set(found) == names
    assert len(found) == len(names)
    order = [name for name, _ in Net().named_parameters()]
    assert list(found) == sorted(found, key=order.index)


@pytest.mark.parametrize(
    ("chosen", "excluded", "complaint"),
    [
        (
            "feature.*",
            "",
            r"--prunable feature.\* is neither linear, conv, all nor .*: .*features.0, ",
        ),
        (
            "all",
            "nothing",
            "--exclude nothing is neither .* the layers with weights are features.0",
        ),
        ("conv", "all", "--exclude all leaves no prunable layers"),
        ("frozen", "", "--prunable frozen is neither"),
        (",", "", "--prunable names no layers"),
    ],
)
def test_what_names_nothing_is_said_with_the_names(chosen, excluded, complaint):
    with pytest.raises(UsageError, match=complaint):
        prunable_names(Net(), chosen, excluded)


def test_a_layer_whose_name_cannot_be_drawn_is_refused():
    network = nn.ModuleDict({"a$b": nn.Linear(2, 2)})
    with pytest.raises(UsageError, match=r"a\$b.weight has a name that cannot be drawn"):
        prunable_names(network, "all")


def test_prunable_weights_of_the_papers_networks():
    names = ("lenet5", "mlp", "lenet5-caffe")
    lenet5, mlp, caffe = (MODELS[name]((1, 28, 28), 10) for name in names)

    def count(model, kind):
        weights = dict(model.named_parameters())
        return sum(weights[name].numel() for name in prunable_names(model, kind))

    assert count(lenet5, "linear") == 58_920  # the paper's
    assert sum(weights.numel() for weights in lenet5.parameters()) == 60_074
    assert count(lenet5, "all") == 58_920 + 6 * 9 + 16 * 6 * 9
    assert count(mlp, "linear") == 266_200
    assert count(caffe, "all") == 430_500
    assert count(MODELS["vgg"]((3, 32, 32), 10), "linear") == 20_480  # 2048 x 10, the paper's


def test_a_model_without_prunable_layers_is_refused():
    assert PRUNABLE.keys() == {"linear", "conv", "all"}
    with pytest.raises(UsageError, match="--prunable conv; it has some for: linear, all"):
        prunable_names(MODELS["mlp"]((1, 8, 8), 10), "conv")
