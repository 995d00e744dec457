"""How is a transformer pruned? It learns which chapter of Python's own manual a text is from.

    paretoprune sweep --model examples.transformer:model --dataset examples.transformer:data

The manual ships with Python, as what `help("topics")` shows; its texts are those of your version.
"""

import re
from collections import Counter
from pydoc_data.topics import topics

import torch
from torch import Tensor, nn

CHAPTERS = 10  # the longest ones
LENGTH = 32  # words of a sample
WORDS = 1000  # the most frequent ones are told apart; 0 stands for all others
WIDTH = 32
TEST = 5  # each fifth sample is one

Part = tuple[Tensor, Tensor]


def data() -> tuple[Part, Part]:
    """Training and test samples: numbers of words [N, LENGTH], and of chapters [N]."""
    samples = [
        (words[start : start + LENGTH], chapter)
        for chapter, text in enumerate(sorted(topics.values(), key=len)[-CHAPTERS:])
        for words in [re.findall(r"\w+|[^\w\s]", text.lower())]
        for start in range(0, len(words) - LENGTH + 1, LENGTH)  # samples do not overlap
    ]
    training = [one for place, one in enumerate(samples) if place % TEST]
    counts = Counter(word for words, _ in training for word in words)
    numbers = {word: 1 + rank for rank, (word, _) in enumerate(counts.most_common(WORDS - 1))}
    return numbered(training, numbers), numbered(samples[::TEST], numbers)


def numbered(samples: list[tuple[list[str], int]], numbers: dict[str, int]) -> Part:
    """Samples as tensors of whole numbers, which nothing scales."""
    words = torch.tensor([[numbers.get(word, 0) for word in words] for words, _ in samples])
    return words, torch.tensor([chapter for _, chapter in samples])


class Transformer(nn.Module):
    """An encoder of two layers over words and their places; the mean of its outputs decides."""

    def __init__(self, length: int, classes: int) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, WIDTH)
        self.places = nn.Parameter(0.1 * torch.randn(length, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0.2, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.head = nn.Linear(WIDTH, classes)

    def forward(self, numbers: Tensor) -> Tensor:
        """[N, length] -> [N, classes]."""
        encoded: Tensor = self.encoder(self.words(numbers) + self.places)
        return self.head(encoded.mean(1))


def model(shape: tuple[int, ...], classes: int) -> nn.Module:
    """The transformer for samples of this length."""
    return Transformer(shape[0], classes)
