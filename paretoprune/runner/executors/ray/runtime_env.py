"""Ray runtime environment: the folder of user code that the workers need."""

import os
import shlex
import sys
import sysconfig
from pathlib import Path

from paretoprune.errors import UsageError
from paretoprune.study.user_code import IN_MEMORY, Function

# No model needs these, and they may be large. Ray also heeds .gitignore.
EXCLUDED = [".git", ".venv", "venv", "__pycache__", "**/points.parquet", "**/*.safetensors"]


def runtime_env(own: list[Function]) -> dict[str, object]:
    """Return Ray's runtime environment that carries the modules of these functions to the workers.

    It is empty for code that is installed, and for code from a notebook, which Ray sends by itself.

    Raises:
        UsageError: If the code lies in several folders.
    """
    homes = {home for function in own if (home := home_of(function))}
    if len(homes) > 1:
        names = " and ".join(sorted(map(str, homes)))
        raise UsageError(f"your own code lies in {names}: put it into one folder")
    if not homes:
        return {}
    environment: dict[str, object] = {"working_dir": str(homes.pop()), "excludes": EXCLUDED}
    python = shlex.quote(sys.executable)
    if os.name == "posix" and python != sys.executable:
        # Ray 2.60 puts the path into a shell command as it is: with a space no worker ever starts
        environment["py_executable"] = python
    return environment


def home_of(function: Function) -> Path | None:
    """Return the folder on Python's path in which a function's module was found.

    It is `None` for code that is installed, and for code from a notebook.
    """
    name = getattr(function, "__module__", None) or IN_MEMORY
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:  # from a notebook; Ray sends it by itself
        return None
    path = Path(file).resolve()
    depth = name.count(".") + (path.name == "__init__.py")
    home = path.parents[depth]
    installed = {Path(place).resolve() for place in sysconfig.get_paths().values()}
    is_installed = home in installed or {"site-packages", "dist-packages"} & set(home.parts)
    return None if is_installed else home
