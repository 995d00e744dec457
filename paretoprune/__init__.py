"""paretoprune: how small can a network be, and what does each step smaller cost?

From Python: `import paretoprune as pp; study = pp.sweep(model=..., data=..., out="study")`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from paretoprune.api import Study, load_compact, sweep

__version__ = "0.1.0"
__all__ = ["Study", "__version__", "load_compact", "sweep"]


def __dir__() -> list[str]:
    """What can be asked for, for those who look with the tab key."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """Load the library when it is asked for: the command line's help needs none of it."""
    if name in __all__:
        from paretoprune import api as library

        return getattr(library, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
