"""What picture of a study? A new kind: one file with a function, and one line in `KINDS`."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from paretoprune.errors import UsageError
from paretoprune.files import write_aside
from paretoprune.front import SPLITS
from paretoprune.plot.front import front
from paretoprune.plot.history import history
from paretoprune.plot.layers import layers
from paretoprune.plot.style import STYLE
from paretoprune.reading import Reading
from paretoprune.settings import choose

__all__ = ["KINDS", "Kind", "draw_studies", "write_picture"]

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
) -> None:
    """Draw studies into one picture; the file's ending chooses png, svg or pdf.

    `split` chooses the data that values are of; the knee is chosen on validation data always.
    Raises `UsageError` for another ending, split or kind and for what a kind cannot draw,
    `CorruptStudyError` for a history that cannot be read, `CouldNotError` where writing fails.
    """
    choose(split, SPLITS, "--split")
    drawn = KINDS[choose(kind, KINDS, "--kind")]
    write_picture(path, lambda: drawn(readings, split))


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
