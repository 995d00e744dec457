"""paretoprune approximates the Pareto front between loss and weight complexity.

From Python: `import paretoprune as pp; study = pp.sweep(model=..., data=..., out="study")`.
"""

from typing import TYPE_CHECKING, Any

from paretoprune._version import __version__

if TYPE_CHECKING:
    from paretoprune.api import Study, load_compact, sweep

__all__ = ["Study", "__version__", "load_compact", "sweep"]


def __dir__() -> list[str]:
    """Return the public names, for completion with the tab key."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """Load the library at its first use: the command line's help needs none of it."""
    if name in __all__:
        from paretoprune import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
