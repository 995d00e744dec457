"""Reference to a data set or to user code, as `--dataset`, `--model` and `--loss` name them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

FOLDER = "folder"  # the data set `folder:PATH`


@dataclass(frozen=True)
class DatasetRef:
    """A data set as `--dataset` names it: a known name, user code, or `folder:PATH`.

    Attributes:
        name: The name, `folder` for images in a folder; for user code `package.module:function`.
        path: The folder of the images; `None` for other data sets.
    """

    name: str
    path: Path | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the text of `--dataset`, which `str` gives back."""
        name, _, path = text.partition(":")
        if name != FOLDER:
            return cls(text)
        return cls(FOLDER, Path(path) if path else None)

    def __str__(self) -> str:
        return f"{self.name}:{self.path}" if self.path else self.name

    @property
    def is_folder(self) -> bool:
        """Whether the data are images in a folder."""
        return self.name == FOLDER


def is_user_code(name: str) -> bool:
    """Return whether a name refers to user code, `package.module:function`."""
    return ":" in name and not name.startswith(f"{FOLDER}:")
