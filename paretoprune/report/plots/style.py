"""Common style of all figures: sizes, colours, the colour scale of λ, ticks of logarithmic axes."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import XAxis, YAxis
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.text import Annotation, Text
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from paretoprune.study.metric import ACCURACY

STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.labelsize": 8,
    "legend.fontsize": 7,
    "lines.linewidth": 1,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.hashsalt": "paretoprune",
}
WIDTH = 7  # inches: a page of two columns
LEGEND_LINE = 0.15  # inches
ENTRY, LETTER = 0.5, 0.0515  # inches of a legend: around a label, and per letter
COLOURS = "viridis"  # monotone lightness: for the colour-blind and for print in grey
MARKERS = "osD^vPX*"
LINES = ("-", "--", ":", "-.")
GREY, KNEE, NOTE = "0.75", "#d55e00", "0.35"
ERROR_TICKS = (0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
MOST_TICKS = 6  # on an axis; with more, only powers of ten are labelled
# Candidate offsets of an annotation from its target, in points.
PLACES = (
    *((14, 16), (14, -26), (40, 36), (40, -46), (80, 16), (80, -26), (30, 70), (30, -80)),
    *((80, 70), (80, -80), (-90, -30), (-90, 20), (-90, -70), (-90, 60)),
)
MARGIN = 5  # pixels (100 per inch) between an annotation and a point
NOTHING_YET = "no network yet that learnt anything"


def say_nothing(figure: Figure, sentence: str = NOTHING_YET) -> Figure:
    """Write a sentence into a figure without axes, and return the figure."""
    figure.text(0.5, 0.5, sentence, ha="center")
    return figure


def scale_of(lams: pd.Series) -> LogNorm:
    """Return the logarithmic colour scale of these λs; λ = 0 gets the colour of the least one."""
    positive = lams[lams > 0]
    return LogNorm(*((positive.min(), positive.max()) if len(positive) else (1e-6, 1e-2)))


def colour_of(lam: float, scale: LogNorm) -> Any:
    """Return the colour of one λ, or black if a run has none."""
    return "black" if np.isnan(lam) else mpl.colormaps[COLOURS](scale(max(lam, scale.vmin or 0)))


def add_bar(figure: Figure, axes: Axes | Sequence[Axes], lams: pd.Series, scale: LogNorm) -> None:
    """Add the colour bar of λ next to `axes`, unless there are fewer than two positive λs."""
    if lams[lams > 0].nunique() > 1:
        bar = figure.colorbar(ScalarMappable(scale, COLOURS), ax=axes, pad=0.02)
        bar.set_label("λ (darkest: also λ = 0)")


def legend_columns(labels: Sequence[str], most: int) -> int:
    """Return how many entries fit next to each other in a legend of the figure's width."""
    longest = max((len(label) for label in labels), default=0)
    return min(max(int(WIDTH / (ENTRY + LETTER * longest)), 1), most)


def clear(axes: Axes, note: Annotation) -> None:
    """Move an annotation to where it hides least of a drawn panel.

    It stays where it is if it hides nothing there.
    """
    clouds = [cloud for cloud in axes.collections if isinstance(cloud, PathCollection)]
    offsets = np.concatenate([np.asarray(cloud.get_offsets()) for cloud in clouds])
    points = axes.transData.transform(offsets)
    lines = [line.get_path().transformed(axes.transData) for line in axes.lines]

    def hidden(position: tuple[float, float]) -> int:
        note.set_position(position)
        box = Text.get_window_extent(note).padded(MARGIN)  # without the arrow
        crossed = sum(line.intersects_bbox(box, filled=False) for line in lines)
        outside = sum(not axes.bbox.contains(*corner) for corner in box.get_points())
        return 1000 * outside + 10 * crossed + box.count_contains(points)

    note.set_position(min((note.get_position(), *PLACES), key=hidden))


def add_grid(axes: Axes) -> None:
    """Draw thin lines behind everything else."""
    axes.grid(color="0.92", linewidth=0.5)
    axes.set_axisbelow(True)


def label_plainly(axis: XAxis | YAxis) -> None:
    """Label a logarithmic axis with plain numbers: powers of ten, or a few values without them."""
    lower, upper = axis.get_view_interval()
    tens = tens_times((1,), lower, upper)
    set_ticks(axis, tens if len(tens) > 1 else few_ticks(lower, upper))


def label_roundly(axis: XAxis | YAxis, unit: str = "") -> None:
    """Label a logarithmic axis with plain numbers: 1, 2 and 5 times powers of ten.

    Only powers of ten are labelled if there are too many of these, and a few values if too few.
    """
    lower, upper = axis.get_view_interval()
    ticks = tens_times((1, 2, 5), lower, upper)
    ticks = ticks if len(ticks) <= MOST_TICKS else tens_times((1,), lower, upper)
    set_ticks(axis, ticks if len(ticks) > 1 else few_ticks(lower, upper), unit)


def tens_times(steps: Sequence[int], lower: float, upper: float) -> list[float]:
    """Return the multiples `steps` of powers of ten within the limits."""
    multiples = [float(f"{step}e{power}") for power in range(-9, 13) for step in steps]
    return [tick for tick in multiples if lower <= tick <= upper]


def few_ticks(lower: float, upper: float) -> list[float]:
    """Return three log-spaced numbers within the limits, with few digits but distinct."""
    positions = np.geomspace(lower, upper, 5)[1:-1]
    for digits in (1, 2, 3):
        ticks = sorted({float(f"{tick:.{digits}g}") for tick in positions})
        if len(ticks) == len(positions) and lower <= ticks[0] and ticks[-1] <= upper:
            break
    return ticks


def set_ticks(axis: XAxis | YAxis, ticks: list[float], unit: str = "") -> None:
    """Label these ticks and no others."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}{unit}"))
    axis.set_minor_formatter(NullFormatter())


def label_accuracy(axes: Axes, metric: str = ACCURACY) -> None:
    """Turn a logarithmic axis of errors into one of the metric, which grows upwards."""
    axes.yaxis.set_major_locator(FixedLocator(error_ticks(*axes.get_ylim())))
    axes.yaxis.set_minor_locator(NullLocator())
    scale, unit = (100, " %") if metric == ACCURACY else (1, "")
    label = FuncFormatter(lambda error, _: f"{scale * (1 - error):.10g}{unit}")
    axes.yaxis.set_major_formatter(label)
    axes.invert_yaxis()


def error_ticks(lower: float, upper: float) -> list[float]:
    """Return round errors within the limits, or four of two digits if the axis is short."""
    ticks = [tick for tick in ERROR_TICKS if lower <= tick <= upper]
    if len(ticks) < 3:
        ticks = [float(f"{tick:.2g}") for tick in np.geomspace(lower, upper, 6)[1:-1]]
    return ticks
