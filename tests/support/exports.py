"""Networks of many kinds, with samples, that are written to files."""

from functools import partial

import torch
from torch import nn

from paretoprune.problem.models import MODELS

CLOSE = 1e-5
SAMPLES = 5


class Residual(nn.Module):
    """Ends in `squeeze`, and has a buffer that is no part of its state."""

    def __init__(self):
        super().__init__()
        self.stem, self.norm = nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.inner = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(8, 1)
        self.register_buffer("shift", torch.full((1, 1, 1, 1), 0.3), persistent=False)

    def forward(self, image):
        x = self.stem(image - self.shift).relu()
        x = x + self.norm(self.inner(x))
        return self.head(self.drop(x.mean((2, 3)))).squeeze()


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(50, 16)
        self.place = nn.Parameter(torch.randn(12, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 4)

    def forward(self, tokens):
        return self.head(self.encoder(self.embedding(tokens) + self.place).mean(1))


class Two(nn.Module):
    """Two inputs, two outputs."""

    def __init__(self):
        super().__init__()
        self.left, self.right, self.head = nn.Linear(6, 8), nn.Linear(3, 8), nn.Linear(8, 2)

    def forward(self, left, right):
        y = self.head((self.left(left) + self.right(right)).relu())
        return {"score": y, "more": [y.argmax(1), y > 0]}


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(200, 16), nn.Linear(16, 200, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        return self.head(self.embedding(tokens).tanh())


class Fixed(nn.Module):
    """Takes as many samples as it was made for."""

    def __init__(self, samples):
        super().__init__()
        self.samples, self.layer = samples, nn.Linear(3, 3)

    def forward(self, x):
        return self.layer(x.view(self.samples, 3))


class Sized(nn.Module):
    """Takes any number of samples; a graph of it does not."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return self.layer(x) * (2 if len(x) > 3 else 1)


class Branching(nn.Module):
    """Its Python code looks at the numbers: no graph can say what it does."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 3)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else -self.layer(x)


def channels_last():
    return nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten()).to(memory_format=torch.channels_last)


def images(*shape):
    return (torch.randn(SAMPLES, *shape),)


def tokens(kinds):
    return (torch.randint(kinds, (SAMPLES, 12)),)


def model(name):
    return partial(MODELS[name], (1, 28, 28), 10), partial(images, 1, 28, 28)


CASES = {
    **{name: model(name) for name in MODELS},
    "residual": (Residual, partial(images, 1, 8, 8)),
    "tokens": (Tokens, partial(tokens, 50)),
    "two inputs": (Two, lambda: (torch.randn(SAMPLES, 6), torch.randn(SAMPLES, 3))),
    "tied": (Tied, partial(tokens, 200)),
    "channels last": (channels_last, partial(images, 3, 8, 8)),
    "one linear": (partial(nn.Linear, 3, 2), partial(images, 3)),
}


def made(name):
    """A network that was trained a little, in training mode, and samples of its input."""
    torch.manual_seed(0)
    build, draw = CASES[name]
    network, inputs = build(), draw()
    network.train()(*inputs)  # moves the statistics of batch normalisation
    return network, inputs


def first(inputs, samples):
    return tuple(each[:samples] for each in inputs)


def flat(answer):
    if isinstance(answer, dict):
        return [answer["score"], *answer["more"]]
    return [answer]


def answers(network, inputs):
    was = network.training
    with torch.no_grad():
        answer = flat(network.eval()(*inputs))
    network.train(was)
    return [each.numpy() for each in answer]
