"""Figures of studies, with matplotlib.

A new kind of figure is one file with a function, and one line in `KINDS`.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.errors import UsageError
from paretoprune.report.plots.front import DEFAULT_AXES, ERROR_AXES, front
from paretoprune.report.plots.history import history
from paretoprune.report.plots.layers import layers
from paretoprune.report.plots.style import STYLE
from paretoprune.study.metric import SPLITS
from paretoprune.study.options import choose
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

# (studies, split) -> figure, 7 inches wide; raises `UsageError` if this kind cannot draw them
Kind = Callable[[Sequence[StudySnapshot], str], Figure]

DEFAULT_KIND = "front"
KINDS: dict[str, Kind] = {
    "front": front,
    "layers": layers,
    "history": history,
}
FORMATS = (".png", ".svg", ".pdf")


def draw_studies(
    snapshots: Sequence[StudySnapshot],
    path: Path,
    split: str = "validation",
    kind: str = DEFAULT_KIND,
    axes: str = DEFAULT_AXES,
) -> None:
    """Draw studies with `draw_figure` and write the figure to a file.

    Args:
        snapshots: the studies to draw.
        path: the file, ending in .png, .svg or .pdf, which selects the format.
        split: as for `draw_figure`.
        kind: as for `draw_figure`.
        axes: as for `draw_figure`.

    Raises:
        UsageError: as `draw_figure` and `require_picture`.
        CorruptStudyError: as `draw_figure`.
        CouldNotError: if the file cannot be written.
    """
    write_picture(path, lambda: draw_figure(snapshots, split, kind, axes))


def draw_figure(
    snapshots: Sequence[StudySnapshot],
    split: str = "validation",
    kind: str = DEFAULT_KIND,
    axes: str = DEFAULT_AXES,
) -> Figure:
    """Draw studies into one figure.

    Args:
        snapshots: the studies to draw.
        split: the data of the values, a key of `SPLITS`; the knee is always chosen on validation
            data.
        kind: a key of `KINDS`.
        axes: one of `ERROR_AXES`, for the right panel of a front.

    Raises:
        UsageError: for another split, kind or axes, and for studies that this kind cannot draw.
        CorruptStudyError: for a history that cannot be read.
    """
    choose(split, SPLITS, "--split")
    choose(axes, ERROR_AXES, "--axes")
    drawn = KINDS[choose(kind, KINDS, "--kind")]
    if drawn is front:
        drawn = partial(front, axes=axes)
    elif axes != DEFAULT_AXES:
        raise UsageError(f"--axes is of --kind {DEFAULT_KIND}: leave it out with --kind {kind}")
    with mpl.rc_context(STYLE):
        return drawn(snapshots, split)


def write_picture(path: Path, drawn: Callable[[], Figure]) -> None:
    """Draw a figure in this project's style and write it atomically to a file.

    Args:
        path: the file, ending in .png, .svg or .pdf, which selects the format.
        drawn: draws the figure; it is called after `path` has been checked.

    Raises:
        UsageError: as `require_picture`.
        CouldNotError: if the file cannot be written.
    """
    require_picture(path)
    with mpl.rc_context(STYLE):
        figure = drawn()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")  # the font lacks the script of some names
            form = path.suffix[1:].lower()
            write_aside(path, lambda aside: figure.savefig(aside, dpi=200, format=form))


def require_picture(path: Path) -> None:
    """Raise `UsageError` if a figure's path has another ending or its folder does not exist."""
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"-o {path}: the ending must be one of {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise UsageError(f"-o {path}: there is no folder {path.parent}")
