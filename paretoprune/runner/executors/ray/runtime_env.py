"""Which of a user's own code do the workers need? The folder from which Python imports it."""

import sys
import sysconfig
from pathlib import Path

from paretoprune.errors import UsageError
from paretoprune.study.user_code import IN_MEMORY, Function

# What no model needs and may be large; .gitignore is heeded beside it.
EXCLUDED = [".git", ".venv", "venv", "__pycache__", "**/points.parquet", "**/*.safetensors"]


def runtime_env(own: list[Function]) -> dict[str, object]:
    """Ray's runtime environment that carries the modules of these functions to the workers.

    Empty for code that is installed, or given in a notebook, which travels by itself. Raises
    `UsageError` where it lies in several folders.
    """
    homes = {home for function in own if (home := home_of(function))}
    if len(homes) > 1:
        names = " and ".join(sorted(map(str, homes)))
        raise UsageError(f"your own code lies in {names}: put it into one folder")
    return {"working_dir": str(homes.pop()), "excludes": EXCLUDED} if homes else {}


def home_of(function: Function) -> Path | None:
    """The folder on Python's path where a function's module was found; none if it is installed."""
    name = getattr(function, "__module__", None) or IN_MEMORY
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:  # a notebook's, which travels by itself
        return None
    path = Path(file).resolve()
    depth = name.count(".") + (path.name == "__init__.py")
    home = path.parents[depth]
    installed = {Path(place).resolve() for place in sysconfig.get_paths().values()}
    is_installed = home in installed or {"site-packages", "dist-packages"} & set(home.parts)
    return None if is_installed else home
