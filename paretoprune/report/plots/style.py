"""What all pictures share: sizes, colours, the scale of λ, plain numbers on logarithmic axes."""

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
ENTRY, LETTER = 0.5, 0.0515  # inches of a legend: beside a label, and for each letter of it
COLOURS = "viridis"  # ordered in lightness: safe for the colour-blind, and printed in grey
MARKERS = "osD^vPX*"
LINES = ("-", "--", ":", "-.")
GREY, KNEE, NOTE = "0.75", "#d55e00", "0.35"
ERROR_TICKS = (0.9, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
MOST_TICKS = 6  # on an axis, before only powers of ten are labelled
# Where a note may stand, in points from what it is about.
PLACES = (
    *((14, 16), (14, -26), (40, 36), (40, -46), (80, 16), (80, -26), (30, 70), (30, -80)),
    *((80, 70), (80, -80), (-90, -30), (-90, 20), (-90, -70), (-90, 60)),
)
MARGIN = 5  # pixels, of 100 an inch, between a note and a point
NOTHING_YET = "no network yet that learnt anything"


def say_nothing(figure: Figure, sentence: str = NOTHING_YET) -> Figure:
    """A picture without axes that says why."""
    figure.text(0.5, 0.5, sentence, ha="center")
    return figure


def scale_of(lams: pd.Series) -> LogNorm:
    """The logarithmic scale of colours for these λs; λ = 0 takes its least value."""
    positive = lams[lams > 0]
    return LogNorm(*((positive.min(), positive.max()) if len(positive) else (1e-6, 1e-2)))


def colour_of(lam: float, scale: LogNorm) -> Any:
    """The colour of one λ; black where a run has none."""
    return "black" if np.isnan(lam) else mpl.colormaps[COLOURS](scale(max(lam, scale.vmin or 0)))


def add_bar(figure: Figure, axes: Axes | Sequence[Axes], lams: pd.Series, scale: LogNorm) -> None:
    """The bar that explains the colours, beside `axes`; none for less than two positive λs."""
    if lams[lams > 0].nunique() > 1:
        bar = figure.colorbar(ScalarMappable(scale, COLOURS), ax=axes, pad=0.02)
        bar.set_label("λ (darkest: also λ = 0)")


def legend_columns(labels: Sequence[str], most: int) -> int:
    """How many of these entries stand side by side in a legend as wide as the picture."""
    longest = max((len(label) for label in labels), default=0)
    return min(max(int(WIDTH / (ENTRY + LETTER * longest)), 1), most)


def clear(axes: Axes, note: Annotation) -> None:
    """Move a note to where it hides least of a drawn panel: not at all if it hides nothing."""
    clouds = [cloud for cloud in axes.collections if isinstance(cloud, PathCollection)]
    offsets = np.concatenate([np.asarray(cloud.get_offsets()) for cloud in clouds])
    points = axes.transData.transform(offsets)
    lines = [line.get_path().transformed(axes.transData) for line in axes.lines]

    def hidden(place: tuple[float, float]) -> int:
        note.set_position(place)
        box = Text.get_window_extent(note).padded(MARGIN)  # without the note's line
        crossed = sum(line.intersects_bbox(box, filled=False) for line in lines)
        outside = sum(not axes.bbox.contains(*corner) for corner in box.get_points())
        return 1000 * outside + 10 * crossed + box.count_contains(points)

    note.set_position(min((note.get_position(), *PLACES), key=hidden))


def add_grid(axes: Axes) -> None:
    """Thin lines behind everything."""
    axes.grid(color="0.92", linewidth=0.5)
    axes.set_axisbelow(True)


def label_plainly(axis: XAxis | YAxis) -> None:
    """Plain numbers on a logarithmic axis: powers of ten where there are some, else a few."""
    lower, upper = axis.get_view_interval()
    tens = tens_times((1,), lower, upper)
    set_ticks(axis, tens if len(tens) > 1 else few_ticks(lower, upper))


def label_roundly(axis: XAxis | YAxis, unit: str = "") -> None:
    """Plain numbers on a logarithmic axis: 1, 2, 5 times powers of ten, or these alone."""
    lower, upper = axis.get_view_interval()
    ticks = tens_times((1, 2, 5), lower, upper)
    ticks = ticks if len(ticks) <= MOST_TICKS else tens_times((1,), lower, upper)
    set_ticks(axis, ticks if len(ticks) > 1 else few_ticks(lower, upper), unit)


def tens_times(steps: Sequence[int], lower: float, upper: float) -> list[float]:
    """These multiples of powers of ten, within the limits."""
    all_ = [float(f"{step}e{power}") for power in range(-9, 13) for step in steps]
    return [tick for tick in all_ if lower <= tick <= upper]


def few_ticks(lower: float, upper: float) -> list[float]:
    """Three numbers, evenly within the limits, of no more digits than tell them apart."""
    places = np.geomspace(lower, upper, 5)[1:-1]
    for digits in (1, 2, 3):
        ticks = sorted({float(f"{tick:.{digits}g}") for tick in places})
        if len(ticks) == len(places) and lower <= ticks[0] and ticks[-1] <= upper:
            break
    return ticks


def set_ticks(axis: XAxis | YAxis, ticks: list[float], unit: str = "") -> None:
    """Label these ticks and no others."""
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}{unit}"))
    axis.set_minor_formatter(NullFormatter())


def label_accuracy(axes: Axes, quality: str = ACCURACY) -> None:
    """Turn a logarithmic axis of errors into one of qualities, which grow upwards."""
    axes.yaxis.set_major_locator(FixedLocator(error_ticks(*axes.get_ylim())))
    axes.yaxis.set_minor_locator(NullLocator())
    scale, unit = (100, " %") if quality == ACCURACY else (1, "")
    label = FuncFormatter(lambda error, _: f"{scale * (1 - error):.10g}{unit}")
    axes.yaxis.set_major_formatter(label)
    axes.invert_yaxis()


def error_ticks(lower: float, upper: float) -> list[float]:
    """Round errors within the limits, or at least four of two digits where the axis is short."""
    ticks = [tick for tick in ERROR_TICKS if lower <= tick <= upper]
    if len(ticks) < 3:
        ticks = [float(f"{tick:.2g}") for tick in np.geomspace(lower, upper, 6)[1:-1]]
    return ticks
