"""Data sets that torchvision finds in a folder, or downloads."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paretoprune.errors import CouldNotError

MOST_BYTES = 1_000_000_000  # of a file


def fetch(
    load: Callable[[], Any], name: str, data_dir: Path, place: str, files: Sequence[str]
) -> Any:
    """Return what `load`, a call of torchvision, returns.

    `name` is the data set's for a user, `place` the folder in `data_dir` where `files` are looked
    for. Raises `CouldNotError`, naming them, where that fails.
    """
    for path in (data_dir / place / file for file in files):
        if path.is_file() and path.stat().st_size > MOST_BYTES:  # it would be read at once
            raise CouldNotError(f"{path} is far too large for a file of {name}: remove it")
    try:
        # torchvision reports its attempts on stdout, which is kept for answers
        with contextlib.redirect_stdout(sys.stderr):
            return load()
    except Exception as error:  # readers of files assert, index and unpack what may be missing
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(":")
        raise CouldNotError(
            f"{name} is not in {data_dir / place}, or unreadable, and downloading it did not work "
            f"either ({reason}): looked for {', '.join(files)}; --data-dir names another folder "
            f"that holds {place}"
        ) from error
