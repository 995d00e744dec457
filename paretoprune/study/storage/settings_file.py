"""`study.toml`: the settings, budget and measured values of a study."""

import tomllib
from functools import partial
from pathlib import Path

import tomli_w

from paretoprune._version import __version__
from paretoprune.errors import CorruptStudyError, UsageError
from paretoprune.study.plan import Budget, Measured, Plan, declared_columns, from_table, tables_of
from paretoprune.study.settings import Settings
from paretoprune.study.storage.atomic import write_aside, write_text
from paretoprune.study.storage.paths import PLAN, path_in_study, require_study

VERSION = 1  # of the files of a study; a larger one comes from a newer paretoprune
MOST_BYTES = 50_000  # of study.toml; paretoprune writes far fewer


def write_plan(folder: Path, plan: Plan) -> None:
    """Write `study.toml`; raise `CouldNotError` if that fails."""
    text = tomli_w.dumps({"version": VERSION, "paretoprune": __version__, **tables_of(plan)})
    write_aside(path_in_study(folder, PLAN), partial(write_text, text))


def read_plan(folder: Path) -> Plan:
    """Read `study.toml`.

    Raises `UsageError` if there is no study, and `CorruptStudyError` if the file cannot be read.
    """
    require_study(folder)
    path = path_in_study(folder, PLAN)
    try:
        document = tomllib.loads(_text_of(path))
        require_known(path, document.get("version", 0))
        return Plan(
            settings=from_table(Settings, document["settings"]),
            budget=from_table(Budget, document["budget"]),
            measured=from_table(Measured, document["measured"]),
            further_columns=declared_columns(document.get("columns", [])),
        )
    except KeyError as error:
        raise CorruptStudyError(f"{path} cannot be read: it has no table {error}") from error
    except RecursionError as error:
        raise CorruptStudyError(
            f"{path} cannot be read: its tables are nested too deeply"
        ) from error
    except (ValueError, TypeError, AttributeError, UsageError) as error:
        raise CorruptStudyError(f"{path} cannot be read: {error}") from error


def _text_of(path: Path) -> str:
    with path.open("rb") as stream:
        content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it has more than {MOST_BYTES:,} bytes")
    return content.decode("utf-8")


def require_known(path: Path, version: object) -> None:
    """Raise `CorruptStudyError` for a newer version, `ValueError` for one that is no integer."""
    if type(version) is not int:  # True is an int too
        raise ValueError(f"version is {version!r}")
    if version > VERSION:
        raise CorruptStudyError(f"{path} is from a newer paretoprune: update paretoprune")
