"""Labels of figures: the names of axes and the values at a knee."""

from collections.abc import Sequence
from dataclasses import dataclass

from paretoprune.analysis.knee.axes import COUNTED, word_of
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.study.columns import COLUMNS
from paretoprune.study.metric import ACCURACY, written

# Loss -> format of the axis label, and format of a value.
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


@dataclass(frozen=True)
class Words:
    """Labels of a figure.

    Attributes:
        quality: the name of the metric, which is 1 - error.
        loss: the loss as in the settings, or "loss" if the studies differ.
        complexity: the complexity as in the settings, or "complexity" if they differ.
        size: the column of the sizes.
    """

    quality: str = ACCURACY
    loss: str = "cross-entropy"
    complexity: str = "l1"
    size: str = "nonzeros"

    def loss_label(self, split: str) -> str:
        """Return the label of a loss axis."""
        return LOSSES.get(self.loss, LOSS)[0].format(split)

    def metric_label(self, split: str) -> str:
        """Return the label of a metric axis."""
        return f"{self.quality} ({split})"

    @property
    def complexity_label(self) -> str:
        """The label of a complexity axis."""
        return COMPLEXITIES.get(self.complexity, self.complexity)

    @property
    def size_label(self) -> str:
        """The label of a size axis."""
        kind = f" ({self.complexity})" if self.complexity in COMPLEXITIES else ""
        column = COLUMNS[self.size]
        return column.label or (f"complexity{kind}" if self.size == "complexity" else column.name)

    def at_loss(self, loss: float, complexity: float) -> str:
        """Return a network's loss and complexity as text."""
        value = LOSSES.get(self.loss, LOSS)[1].format(loss)
        return f"{value} at {self.complexity} {complexity:,.0f}"

    def at_size(self, error: float, size: float) -> str:
        """Return a network's metric and size as text."""
        name = "" if self.quality == ACCURACY else f"{self.quality} "
        amount = f"{size:,.0f} {word_of(self.size)}"
        if self.size == "complexity":
            amount = f"{self.complexity} {size:,.0f}"
        elif self.size not in COUNTED:
            amount = f"{word_of(self.size)} {size:.3g}"
        return f"{name}{written(error, self.quality)} at {amount}"


def words_of(snapshots: Sequence[StudySnapshot], size: str = "nonzeros") -> Words:
    """Return the labels for studies that share one metric; `size` is the column of the sizes."""
    losses = {snapshot.plan.settings.loss for snapshot in snapshots}
    kinds = {snapshot.plan.settings.complexity for snapshot in snapshots}
    return Words(
        snapshots[0].plan.measured.quality,
        losses.pop() if len(losses) == 1 else "loss",
        kinds.pop() if len(kinds) == 1 else "complexity",
        size,
    )
