"""Labels of the axes of a picture, and of the values at its knee."""

from collections.abc import Sequence
from dataclasses import dataclass

from paretoprune.analysis.choice import Reading
from paretoprune.analysis.knee.axes import COUNTED, word_of
from paretoprune.study.metric import ACCURACY, written

# A loss -> its axis, and a value of it.
LOSSES = {
    "cross-entropy": ("cross-entropy (nats, {})", "{:.3g} nats"),
    "mse": ("mean squared error ({})", "mse {:.3g}"),
}
LOSS = ("loss ({})", "loss {:.3g}")
COMPLEXITIES = {
    "l1": "l1 of the prunable weights",
    "l1-flops": "l1 of the prunable weights, weighted by FLOPs",
    "group-l1": "group l1 of the prunable weights",
}
SIZES = {
    "nonzeros": "nonzero prunable weights",
    "flops": "effective FLOPs of one sample",
    "neurons": "neurons and filters left",
    "compact_parameters": "parameters after compaction",
}


@dataclass(frozen=True)
class Words:
    """What a picture is of: `quality`, `loss` and `complexity` as in a plan, a `size`'s column.

    `loss` and `complexity` are just that where the studies of a picture differ.
    """

    quality: str = ACCURACY
    loss: str = "cross-entropy"
    complexity: str = "l1"
    size: str = "nonzeros"

    def loss_label(self, split: str) -> str:
        """Of the axis of losses."""
        return LOSSES.get(self.loss, LOSS)[0].format(split)

    def quality_label(self, split: str) -> str:
        """Of the axis of qualities."""
        return f"{self.quality} ({split})"

    @property
    def complexity_label(self) -> str:
        """Of the axis of complexities."""
        return COMPLEXITIES.get(self.complexity, self.complexity)

    @property
    def size_label(self) -> str:
        """Of the axis of sizes."""
        kind = f" ({self.complexity})" if self.complexity in COMPLEXITIES else ""
        return SIZES.get(self.size, f"complexity{kind}")

    def at_loss(self, loss: float, complexity: float) -> str:
        """A network's two objectives."""
        value = LOSSES.get(self.loss, LOSS)[1].format(loss)
        return f"{value} at {self.complexity} {complexity:,.0f}"

    def at_size(self, error: float, size: float) -> str:
        """A network's quality and size."""
        name = "" if self.quality == ACCURACY else f"{self.quality} "
        amount = f"{size:,.0f} {word_of(self.size)}"
        if self.size not in COUNTED:
            amount = f"{self.complexity} {size:,.0f}"
        return f"{name}{written(error, self.quality)} at {amount}"


def words_of(readings: Sequence[Reading], size: str = "nonzeros") -> Words:
    """What a picture of studies of one quality is of; `size` is the column of sizes."""
    losses = {reading.plan.settings.loss for reading in readings}
    kinds = {reading.plan.settings.complexity for reading in readings}
    return Words(
        readings[0].plan.measured.quality,
        losses.pop() if len(losses) == 1 else "loss",
        kinds.pop() if len(kinds) == 1 else "complexity",
        size,
    )
