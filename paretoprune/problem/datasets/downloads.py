"""Downloads: data sets that torchvision reads from a folder or downloads."""

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from paretoprune.errors import CouldNotError

MOST_BYTES = 1_000_000_000  # per file


def fetch(
    load: Callable[[], Any], name: str, data_dir: Path, folder: str, files: Sequence[str]
) -> Any:
    """Call torchvision to read or download a data set, and return its result.

    Args:
        load: The call of torchvision.
        name: Name of the data set in messages.
        data_dir: Folder of all data sets.
        folder: Folder within `data_dir` in which torchvision looks for the files.
        files: Names of the files.

    Raises:
        CouldNotError: If a file is too large, or if `load` fails; the message names the files and
            the folder.
    """
    for path in (data_dir / folder / file for file in files):
        if path.is_file() and path.stat().st_size > MOST_BYTES:  # it would be read whole
            raise CouldNotError(f"{path} is far too large for a file of {name}: remove it")
    try:
        # torchvision reports its attempts on stdout, which is reserved for answers
        with contextlib.redirect_stdout(sys.stderr):
            return load()
    except Exception as error:  # torchvision raises many types for damaged files
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(":")
        raise CouldNotError(
            f"{name} is not in {data_dir / folder}, or unreadable, and downloading it did not work "
            f"either ({reason}): looked for {', '.join(files)}; --data-dir names another folder "
            f"that holds {folder}"
        ) from error
