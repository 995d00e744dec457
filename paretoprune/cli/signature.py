"""Signatures of commands, made from the declarations of options."""

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from paretoprune.study.options import Option, in_panels


def with_options(
    options: Iterable[Option],
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return a decorator that gives a command these options, in the order of their panels.

    The command gets their values by the names of their fields; `None` stands for an option that
    was not given.
    """
    ordered = in_panels(options)

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(command, eval_str=True)
        named = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
        arguments = [p for p in named if p.name == "study"]
        others = [p for p in named if p.name != "study"]
        parameters = [*arguments, *map(parameter_of, ordered), *others]
        command.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        command.__annotations__ = {p.name: p.annotation for p in parameters}
        return command

    return decorated


def parameter_of(option: Option) -> inspect.Parameter:
    """Return the parameter of a command that typer shows as an option."""
    spelling = f"{option.typed}/{option.off}" if option.off else option.typed
    info = typer.Option(
        spelling,
        help=re.sub(r"\[(?=[a-z])", r"\\[", option.help),  # rich would take [ray] for a style
        rich_help_panel=option.panel,
        show_default=False,
        parser=option.parse,
        envvar=option.envvar or None,
    )
    kind: Any = option.kind if option.parse is None else str  # the help says what is typed
    return inspect.Parameter(
        option.name,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        default=None,
        annotation=Annotated[kind | None, info],
    )
