"""The backends of a fleet: each takes the networks' own step, and the first that fits is chosen."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from paretoprune.errors import UsageError
from paretoprune.study.settings import Settings
from paretoprune.training.fleet import BACKENDS, stack
from paretoprune.training.fleet.fused import ELEMENTWISE, LAYERS
from paretoprune.training.fleet.fused_layers import Unsupported
from paretoprune.training.fleet.select import (
    _require_equal,
    _step_of_fleet,
    _step_of_networks,
    _without_dropout,
    choose_backend,
)
from paretoprune.training.prepare import prepare_problem
from tests.support.problems import problem

SHAPE = (2, 12, 12)  # of the images that the networks here see
IMAGES = torch.rand(6, *SHAPE, generator=torch.Generator().manual_seed(0))

# For each fused layer a small network that holds it, with options that change what it does.
HOLDING = {
    nn.Linear: lambda: [nn.Flatten(), nn.Linear(288, 7, bias=False), nn.Tanh(), nn.Linear(7, 3)],
    nn.Conv2d: lambda: [
        nn.Conv2d(2, 6, (3, 2), stride=(2, 1), padding=1, groups=2),
        nn.Conv2d(6, 4, 3, padding="same", dilation=2, groups=2, bias=False),
        nn.Flatten(),
        nn.LazyLinear(3),
    ],
    nn.AvgPool2d: lambda: [
        nn.Conv2d(2, 4, 3),
        nn.AvgPool2d(3, 2, padding=1, count_include_pad=False),
        *ending(),
    ],
    nn.MaxPool2d: lambda: [nn.MaxPool2d(2), nn.Conv2d(2, 4, 3), nn.MaxPool2d(3, 1), *ending()],
    nn.AdaptiveAvgPool2d: lambda: [nn.Conv2d(2, 4, 3), nn.AdaptiveAvgPool2d((2, 3)), *ending()],
    nn.AdaptiveMaxPool2d: lambda: [nn.Conv2d(2, 4, 3), nn.AdaptiveMaxPool2d(2), *ending()],
    nn.BatchNorm1d: lambda: [nn.Flatten(), nn.Linear(288, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)],
    nn.BatchNorm2d: lambda: [nn.BatchNorm2d(2), nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), *ending()],
    nn.Dropout: lambda: [nn.Flatten(), nn.Dropout(0.5), nn.Linear(288, 3)],
    nn.Flatten: lambda: [nn.Conv2d(2, 4, 3), nn.Flatten(2), nn.Linear(100, 5), *ending()],
    **{kind: lambda kind=kind: [nn.Conv2d(2, 4, 3), kind(), *ending()] for kind in ELEMENTWISE},
}


def ending():
    return [nn.Flatten(), nn.LazyLinear(3)]


class Residual(nn.Module):
    """As people write them: additions, functions, and a flattening by view."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.second, self.last = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(576, 3)

    def forward(self, x):
        x = functional.relu(self.norm(self.first(x)))
        x = torch.relu(self.second(x)) + x
        return self.last(x.view(x.size(0), -1))


class Normed(nn.Module):
    """Without a fused counterpart, and nothing that vmap cannot do."""

    def __init__(self):
        super().__init__()
        self.norm, self.last = nn.LayerNorm(SHAPE), nn.Linear(288, 3)

    def forward(self, x):
        return self.last(self.norm(x).flatten(1))


class Stubborn(Normed):
    """Looks at its values, which neither tracing nor vmap can follow."""

    def forward(self, x):
        logits = super().forward(x)
        return 2 * logits if logits.mean().item() < 0 else logits


class Mixing(nn.Module):
    """Forgets for a while where an image ends."""

    def __init__(self):
        super().__init__()
        self.flat, self.last = nn.Flatten(0), nn.Linear(288, 3)

    def forward(self, x):
        return self.last(self.flat(x).view(x.size(0), -1))


class Drawing(Normed):
    """Draws random numbers of its own."""

    def forward(self, x):
        return super().forward(functional.dropout(x, 0.5, self.training))


def networks(build, count=2):
    made = []
    for seed in range(count):
        torch.manual_seed(seed)
        made.append(build())
        made[-1](IMAGES.to(torch.get_default_dtype()))  # lazy layers get their shapes
    return made


@pytest.mark.parametrize("kind", LAYERS)
def test_each_fused_layer_is_torchs_own(kind):
    made = networks(lambda: nn.Sequential(*HOLDING[kind]()))
    assert any(type(layer) is kind for layer in made[0])
    assert choose_backend(made, [IMAGES]) == ("fused", {})


@pytest.mark.parametrize(
    ("build", "path", "reason"),
    [
        (Residual, "fused", None),
        (Normed, "vmap", "LayerNorm has no fused counterpart"),
        (lambda: nn.Sequential(nn.Dropout(0.5), Normed()), "sequential", "LayerNorm"),
        (Stubborn, "sequential", "cannot be traced"),
        (Drawing, "sequential", "dropout has no fused counterpart"),
        (Mixing, "vmap", "mixes the images"),
    ],
)
def test_the_first_way_that_fits_is_taken(build, path, reason):
    chosen, refused = choose_backend(networks(build), [IMAGES])
    assert chosen == path
    assert list(refused) == list(BACKENDS)[: list(BACKENDS).index(path)]
    if reason:
        assert reason in refused["fused"]


def test_a_way_that_computes_something_else_is_refused(monkeypatch):
    """Say a counterpart is wrong, be it in its gradient alone."""
    wrong = LAYERS[nn.Tanh]
    monkeypatch.setitem(LAYERS, nn.Tanh, lambda *given: wrong(*given).detach())
    made = networks(lambda: nn.Sequential(nn.Flatten(), nn.Linear(288, 5), nn.Tanh(), *ending()))
    path, refused = choose_backend(made, [IMAGES])
    assert path == "vmap"
    assert "differs from the network's own" in refused["fused"]
    assert "the gradient of 1.weight" in refused["fused"]


@pytest.mark.parametrize("batch", [9, 4, 1])
@pytest.mark.parametrize("path", BACKENDS)
@pytest.mark.parametrize("kind", LAYERS)
def test_ways_agree_for_batches_of_any_size(double, kind, path, batch):
    """The last batch of an epoch may hold a single image; batch norm refuses some of these."""
    made = networks(lambda: nn.Sequential(*HOLDING[kind]()))
    made = [_without_dropout(network) for network in made]
    images = torch.rand(batch, *SHAPE)
    if kind is nn.BatchNorm1d and batch == 1:
        return
    if kind is nn.Dropout and path == "vmap":
        with pytest.raises(Unsupported, match="other masks"):
            stack(made, (0, 1), path)
        return
    fleet = stack(made, (0, 1), path)
    _require_equal(_step_of_networks(made, [images]), _step_of_fleet(fleet, [images]))


@pytest.mark.parametrize("wrong", [torch.zeros_like, torch.Tensor.detach])
def test_a_large_buffer_or_small_gradients_hide_no_mistake(monkeypatch, wrong):
    """Each kind of value is measured by its own size, in float64."""

    class Buffered(nn.Sequential):
        def __init__(self):
            deep = [layer for _ in range(5) for layer in (nn.Linear(5, 5), nn.Sigmoid())]
            super().__init__(nn.Flatten(), nn.Linear(288, 5), nn.Tanh(), *deep, nn.Linear(5, 3))
            self.register_buffer("large", torch.tensor([1e9]))

    monkeypatch.setitem(LAYERS, nn.Tanh, lambda layer, own, x, keys: wrong(x))
    assert choose_backend(networks(Buffered), [IMAGES])[0] == "vmap"


def test_real_images_are_seen_as_they_are(monkeypatch):
    """Grey ones too, by a network that flattens what a convolution leaves."""
    task = problem("lenet5")

    class Viewing(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Conv2d(1, 4, 3), nn.Linear(784, 10)

        def forward(self, x):
            x = self.first(x).relu()
            return self.last(x.view(x.size(0), -1))

    for path in BACKENDS:
        monkeypatch.setattr(
            "paretoprune.training.fleet.select.BACKENDS", {path: BACKENDS[path], "last": None}
        )
        viewing = prepare_problem(replace(task.problem, model=Viewing), Settings())
        assert viewing.backend == path


class Forgetful(Normed):
    """Changes the images that it is given."""

    def forward(self, x):
        return super().forward(x.mul_(2))


def test_a_network_that_changes_its_images_changes_its_own():
    made = networks(Forgetful)
    logits = stack(made, (0, 1), "sequential").forward([IMAGES.clone()])
    expected = torch.stack([network(IMAGES.clone()) for network in made])
    torch.testing.assert_close(logits, expected)


class Slicing(Normed):
    def forward(self, x):
        return self.last(self.norm(x).flatten(1))[:, :2]


class Optional(nn.Sequential):
    def forward(self, x, features=False):
        return super().forward(x)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (Slicing, "parts of an activation"),
        (lambda: Optional(nn.Flatten(), nn.Linear(288, 3)), "its forward takes x, features"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Dropout(0.5, inplace=True), nn.Linear(288, 3)),
         "changes its input"),
    ],
)  # fmt: skip
def test_what_fused_layers_cannot_do_is_said(build, reason, monkeypatch):
    monkeypatch.setitem(LAYERS, nn.LayerNorm, lambda layer, own, x, keys: x)
    assert reason in choose_backend(networks(build), [IMAGES])[1]["fused"]


def test_the_check_leaves_the_networks_as_they_are():
    made = networks(lambda: nn.Sequential(*HOLDING[nn.BatchNorm2d]()))
    before = {name: value.clone() for name, value in made[0].state_dict().items()}
    choose_backend(made, [IMAGES])
    for name, value in made[0].state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(17, 3)), "inputs of 2 x 12 x 12: "),
        (lambda: nn.Sequential(nn.Flatten(0), nn.Linear(1728, 3)), "not an output for each of 6"),
    ],
)
def test_a_network_that_does_not_fit_is_refused(build, complaint):
    with pytest.raises(UsageError, match=complaint):
        choose_backend([build(), build()], [IMAGES])


@pytest.mark.parametrize("path", BACKENDS)
def test_every_way_is_the_networks_own_step(path):
    made = networks(Residual, 3)
    fleet = stack(made, range(3), path)
    _require_equal(_step_of_networks(made, [IMAGES]), _step_of_fleet(fleet, [IMAGES]))


def test_random_numbers_of_a_network_do_not_depend_on_its_fleet():
    made = networks(Drawing, 3)
    together = stack(made, (5, 6, 7), "sequential")
    alone = stack(made[1:2], (6,), "sequential")
    state = torch.get_rng_state()
    drawn = together.forward([IMAGES], step=3)
    assert torch.equal(drawn[1:2], alone.forward([IMAGES], step=3))
    assert not torch.equal(drawn, together.forward([IMAGES], step=4))
    assert torch.equal(state, torch.get_rng_state())
