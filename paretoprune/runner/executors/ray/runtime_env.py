"""Ray runtime environment: the folder of user code that the workers need."""

import os
import shlex
import sys
import sysconfig
from pathlib import Path

from paretoprune.errors import UsageError
from paretoprune.study.user_code import IN_MEMORY, Function

# Files that no model needs and that may be large. Ray also leaves out the files of .gitignore.
EXCLUDED = [".git", ".venv", "venv", "__pycache__", "**/points.parquet", "**/*.safetensors"]


def runtime_env(functions: list[Function]) -> dict[str, object]:
    """Return Ray's runtime environment that sends the modules of functions to the workers.

    It is empty for installed code, and for code from a notebook, which Ray sends by itself.

    Raises:
        UsageError: If the code lies in several folders.
    """
    homes = {home for function in functions if (home := home_of(function))}
    if len(homes) > 1:
        names = " and ".join(sorted(map(str, homes)))
        raise UsageError(f"your own code lies in {names}: put it into one folder")
    if not homes:
        return {}
    environment: dict[str, object] = {"working_dir": str(homes.pop()), "excludes": EXCLUDED}
    python = shlex.quote(sys.executable)
    if os.name == "posix" and python != sys.executable:
        # Ray 2.60 does not quote the path in a shell command, so no worker starts if it has a space
        environment["py_executable"] = python
    return environment


def home_of(function: Function) -> Path | None:
    """Return the folder on Python's path in which a function's module was found.

    It is `None` for installed code and for code from a notebook.
    """
    name = getattr(function, "__module__", None) or IN_MEMORY
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:  # code from a notebook, which Ray sends by itself
        return None
    path = Path(file).resolve()
    depth = name.count(".") + (path.name == "__init__.py")
    home = path.parents[depth]
    installed = {Path(path).resolve() for path in sysconfig.get_paths().values()}
    is_installed = home in installed or {"site-packages", "dist-packages"} & set(home.parts)
    return None if is_installed else home
