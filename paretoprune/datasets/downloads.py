"""Data sets that torchvision finds in a folder, or downloads."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paretoprune.errors import CouldNotError


def fetch(
    load: Callable[[], Any], name: str, data_dir: Path, place: str, files: Sequence[str]
) -> Any:
    """Return what `load`, a call of torchvision, returns.

    `name` is the data set's for a user, `place` the folder in `data_dir` where `files` are looked
    for. Raises `CouldNotError`, naming them, where that fails.
    """
    try:
        # torchvision reports its attempts on stdout, which is kept for answers
        with contextlib.redirect_stdout(sys.stderr):
            return load()
    except (OSError, RuntimeError, ValueError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(":")
        raise CouldNotError(
            f"{name} is not in {data_dir / place}, or unreadable, and downloading it did not work "
            f"either ({reason}): looked for {', '.join(files)}; --data-dir names another folder "
            f"that holds {place}"
        ) from error
