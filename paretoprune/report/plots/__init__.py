"""Pictures of studies. A new kind is one file with a function, and one line in `KINDS`."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from paretoprune.analysis.choice import Reading
from paretoprune.analysis.pareto import SPLITS
from paretoprune.errors import UsageError
from paretoprune.report.plots.front import DEFAULT_AXES, ERROR_AXES, front
from paretoprune.report.plots.history import history
from paretoprune.report.plots.layers import layers
from paretoprune.report.plots.style import STYLE
from paretoprune.study.settings import choose
from paretoprune.study.storage.atomic import write_aside

__all__ = [
    "KINDS",
    "Figure",
    "Kind",
    "draw_figure",
    "draw_studies",
    "hypervolume_trace",
    "require_picture",
    "write_picture",
]

# (studies, split) -> picture, 7 inches wide; raises `UsageError` for what this kind cannot draw
Kind = Callable[[Sequence[Reading], str], Figure]

DEFAULT_KIND = "front"
KINDS: dict[str, Kind] = {
    "front": front,
    "layers": layers,
    "history": history,
}
FORMATS = (".png", ".svg", ".pdf")


def draw_studies(
    readings: Sequence[Reading],
    path: Path,
    split: str = "validation",
    kind: str = DEFAULT_KIND,
    axes: str = DEFAULT_AXES,
) -> None:
    """Write what `draw_figure` draws into a file; its ending chooses png, svg or pdf.

    Raises `UsageError` for another ending too, and `CouldNotError` where writing fails.
    """
    write_picture(path, lambda: draw_figure(readings, split, kind, axes))


def draw_figure(
    readings: Sequence[Reading],
    split: str = "validation",
    kind: str = DEFAULT_KIND,
    axes: str = DEFAULT_AXES,
) -> Figure:
    """Draw studies into one picture.

    `split` chooses the data that values are of; the knee is chosen on validation data always.
    `axes`, one of `ERROR_AXES`, are those of the right panel of a front. Raises `UsageError` for
    another split, kind or axes and for what a kind cannot draw, `CorruptStudyError` for a history
    that cannot be read.
    """
    choose(split, SPLITS, "--split")
    choose(axes, ERROR_AXES, "--axes")
    drawn = KINDS[choose(kind, KINDS, "--kind")]
    if drawn is front:
        drawn = partial(front, axes=axes)
    elif axes != DEFAULT_AXES:
        raise UsageError(f"--axes is of --kind {DEFAULT_KIND}: leave it out with --kind {kind}")
    with mpl.rc_context(STYLE):
        return drawn(readings, split)


def write_picture(path: Path, drawn: Callable[[], Figure]) -> None:
    """Draw in this project's style and write aside; the file's ending chooses png, svg or pdf.

    Raises `UsageError` as `require_picture`, before anything is drawn, and `CouldNotError` where
    writing fails.
    """
    require_picture(path)
    with mpl.rc_context(STYLE):
        figure = drawn()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # a name in a script that the font lacks
            form = path.suffix[1:].lower()
            write_aside(path, lambda aside: figure.savefig(aside, dpi=200, format=form))


def require_picture(path: Path) -> None:
    """Raise `UsageError` for a picture's name with another ending, or in a folder that is not."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"-o {path}: the ending must be one of {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise UsageError(f"-o {path}: there is no folder {path.parent}")
