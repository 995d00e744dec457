"""User code: functions named `package.module:function`, found from the current folder."""

import difflib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from paretoprune import errors
from paretoprune.errors import UsageError, printable

Function = Callable[..., Any]
IN_MEMORY = "__main__"  # the module of code that a Python program defines and no file holds

# Beginnings of the paths of files through which user code is called. They are full paths, because
# a folder of the user's, or one above it, may also be called `paretoprune`.
NOT_THE_USERS = (
    f"{Path(errors.__file__).parent}{os.sep}",
    f"{Path(importlib.__file__).parent}{os.sep}",
    "<frozen importlib",
)


def find(name: str, option: str) -> Function:
    """Import the function that a name such as `package.module:function` stands for.

    Args:
        name: The module and the function. The module is searched for in the current folder first,
            then among the installed packages.
        option: The command-line option that gave the name, for error messages.

    Raises:
        UsageError: The name is malformed, its module cannot be imported or belongs to Python's
            standard library, or the module has no such function.
    """
    module_name, _, function_name = name.partition(":")
    where = f"{option} {name}"
    if module_name == IN_MEMORY or "<" in name:
        raise UsageError(
            f"{where} was given by a Python program: go on there, with paretoprune.sweep, or put "
            "it into a module and name it like package.module:function"
        )
    if not all(part.isidentifier() for part in (*module_name.split("."), function_name)):
        raise UsageError(f"{where} is no name of a function: write it like package.module:function")
    # The standard library holds no networks, but functions with which a study from an untrusted
    # source could do harm.
    if module_name.partition(".")[0] in sys.stdlib_module_names:
        raise UsageError(f"{where}: {module_name} is one of Python's own modules: name yours")
    module = import_from_here(module_name, where)
    function: Function | None = getattr(module, function_name, None)
    if callable(function):
        return function
    known = [key for key, value in vars(module).items() if callable(value) and key[0] != "_"]
    near = difflib.get_close_matches(function_name, known, n=1)
    hint = f": did you mean {near[0]}?" if near else ": is its name spelt so?"
    raise UsageError(f"{where}: {module.__name__} has no function {function_name}{hint}")


def import_from_here(module_name: str, where: str) -> Any:
    """Import a module as `python -m` would; turn whatever that raises into a `UsageError`."""
    if "" not in sys.path:
        sys.path.insert(0, "")  # the current folder at the time of each import
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and module_name.startswith(error.name):
            raise UsageError(
                f"{where}: there is no module {error.name} in the current folder or installed: "
                "start paretoprune in the folder where it lies"
            ) from error
        raise UsageError(f"{where}: {error.msg}, which it imports: install it") from error
    except Exception as error:  # a user's module may raise anything
        raise UsageError(f"{where} cannot be imported: {in_short(error)}") from error


def call(function: Function, offered: Mapping[str, Any], where: str) -> Any:
    """Call a user's function with those of the offered arguments that it asks for by name.

    Args:
        function: The function to call.
        offered: The available arguments, by name.
        where: The beginning of every error message, such as `--model nets:small`.

    Raises:
        UsageError: The function needs an argument that is not offered, or it raises an exception.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # for instance a class written in C has no signature
        parameters = {}.values()
    fixed = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    for parameter in parameters:
        if (
            parameter.kind not in fixed
            and parameter.default is parameter.empty
            and parameter.name not in offered
        ):
            raise UsageError(
                f"{where} needs {parameter.name}, and is offered {' and '.join(offered)} only: "
                "give it a default"
            )
    names = {
        parameter.name
        for parameter in parameters
        if parameter.kind is not inspect.Parameter.POSITIONAL_ONLY
    }
    try:
        return function(**{name: value for name, value in offered.items() if name in names})
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{where} raises {in_short(error)}") from error


def in_short(error: Exception) -> str:
    """Describe an exception in one line, with the line of the user's code that raised it."""
    trace, location = error.__traceback__, ""
    while trace is not None:
        code = trace.tb_frame.f_code
        if not code.co_filename.startswith(NOT_THE_USERS):
            location = f" ({code.co_filename}, line {trace.tb_lineno})"
            break
        trace = trace.tb_next
    lines = str(error).splitlines()
    return printable(f"{type(error).__name__}: {lines[0] if lines else ''}{location}")
