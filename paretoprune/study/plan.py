"""Plan of a study: everything that it knows before its first run."""

import math
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, TypeVar, get_type_hints

from paretoprune.study.column import MANY, Column, Kind
from paretoprune.study.columns import COLUMNS
from paretoprune.study.metric import ACCURACY, METRICS
from paretoprune.study.options import (
    PLACE,
    SEARCH,
    Option,
    Rule,
    at_least,
    choose,
    from_values,
    one_of,
    option,
    options_of,
    require,
    require_valid,
    values_of,
    within,
)
from paretoprune.study.parsing import parse_fleet
from paretoprune.study.settings import Settings

# What study.toml says of a column that a method adds.
DECLARED = ("name", "kind", "meaning", "unit", "label", "is_mean", "is_variant", "is_place")
MOST_DECLARED = 50  # columns that methods add to a study
SCALARS = (bool, int, float, str)
LARGEST = 2**63  # integers of TOML are smaller, but Python's reader accepts any


KEPT_WEIGHTS = ("auto", "front", "all", "none")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The options that may change at every call; the study stores their latest values.

    Runs that are already in the study stay when the budget changes. `further` has the name and
    value of each option that methods declare. Raises `UsageError` on creation if a value is out of
    range.
    """

    max_runs: int = option(
        20,
        "Total number of runs per seed (default: 20)",
        SEARCH,
        valid=within(1, MANY),
        of_search=True,
        in_check=True,
    )
    tolerance: float = option(
        0.0001,
        "Gain below which an interval closes (default: 0.0001)",
        SEARCH,
        valid=at_least(0),
        of_search=True,
    )
    compare: str = option(
        "",
        "Methods to compare the front with",
        SEARCH,
        in_check=True,
        valid=Rule(lambda names: names.isprintable() and len(names) < 1000, "names of methods"),
        parse=lambda text: ",".join(word.strip() for word in text.split(",")),
    )
    repeats: int = option(
        1,
        "Seeds per λ; multiplies the number of runs (default: 1)",
        SEARCH,
        valid=within(1, 1000),
        of_search=True,
        in_check=True,
    )
    fleet: int = option(
        0,
        "Networks trained together: K | auto, the size of a round (default: auto)",
        PLACE,
        valid=within(0, 10_000, "auto or from 1 to 10000"),
        parse=parse_fleet,
        in_check=True,
    )
    keep_weights: str = option(
        "auto",
        "Weights to keep: front | all | none | auto, all up to 1 GB, then the front's "
        "(default: auto)",
        PLACE,
        valid=one_of(KEPT_WEIGHTS),
    )
    further: tuple[tuple[str, object], ...] = ()

    def __post_init__(self) -> None:
        require_valid(self)

    @property
    def compared(self) -> tuple[str, ...]:
        """The methods of which runs are asked for by name, to compare the front with."""
        return tuple(self.compare.split(",")) if self.compare else ()


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Values that are measured once, when a study begins.

    Attributes:
        lam_ref: λ_ref, the initial training loss divided by the initial complexity.
        constant_loss: Validation loss of the best constant prediction (nats for cross-entropy).
        prunable_weights: Number of prunable weights of one network.
        fleet_size: Fleet size of `--fleet auto`: the size of a round, less if memory is small.
            Older versions stored the fastest size, or 0 if it was never measured.
        largest_fleet: Largest fleet size that memory allows; 0 if memory was never too small.
        quality: Name of the metric (1 - error), one of `METRICS`.
        init_digest: SHA-256 of the file of initial weights; empty without one.
        is_stacked: Optimizers see a fleet's networks as one tensor, as in the first studies, so
            that their tables depend on the fleet size.
    """

    lam_ref: float
    constant_loss: float
    prunable_weights: int
    validation_images: int
    test_images: int
    fleet_size: int = 0
    largest_fleet: int = 0
    quality: str = ACCURACY
    init_digest: str = ""
    is_stacked: bool = True

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name == "quality":
                choose(value, METRICS, name)
            elif name in ("init_digest", "is_stacked"):
                continue
            elif name in ("fleet_size", "largest_fleet"):
                require(0 <= value < math.inf, name, value, "0 or more")
            else:
                require(0 < value < math.inf, name, value, "a number above 0")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that a study knows before its first run: the content of `study.toml`.

    `further_columns` are the columns that the study's methods declare.
    """

    settings: Settings
    budget: Budget
    measured: Measured
    further_columns: tuple[Column, ...] = ()

    @property
    def seeds(self) -> range:
        """The seeds of each λ, or of each other place on a front."""
        return range(self.settings.seed, self.settings.seed + self.budget.repeats)

    @property
    def columns(self) -> dict[str, Column]:
        """The columns of the study's table, by name.

        They are `COLUMNS`, those of further options of runs, and those of the study's methods.
        """
        declared = [each for each in options_of(Settings) if each.of_run]
        further = {each.of_run: column_of(each) for each in declared if each.of_run not in COLUMNS}
        return COLUMNS | further | {each.name: each for each in self.further_columns}

    @property
    def fleet_size(self) -> int:
        """Number K of networks that are trained together."""
        size = self.budget.fleet or self.measured.fleet_size or self.settings.round_size
        largest = self.measured.largest_fleet
        return min(size, largest) if largest else size


def column_of(option: Option) -> Column:
    """Return the column of an option of runs that is not one of `COLUMNS`."""
    kinds: dict[type, Kind] = {str: "text", int: "whole", float: "real", bool: "flag"}
    return Column(
        option.of_run,
        kinds[option.kind],
        option.help,
        filled_by="run",
        unmeasured=option.default,
        older=option.default,
        is_variant=True,
        phrase=f"{option.of_run.replace('_', ' ')} {{}}",
        plain=option.default,
    )


Table = TypeVar("Table", bound=Settings | Budget | Measured)


def from_table(kind: type[Table], table: Mapping[str, Any]) -> Table:
    """Read a dataclass from a TOML table; raise `ValueError` for entries that do not fit it.

    A field that an older version did not write takes its default, so a field that is added later
    needs a default that reproduces the old behaviour. An integer is accepted for a float. Entries
    of settings and budgets that are no fields are options of methods, which are checked when runs
    are trained.
    """
    hints = get_type_hints(kind)
    kinds = {name: hints[name] for name in hints.keys() - {"further"}}
    needed = {each.name for each in fields(kind) if each.default is MISSING}
    unknown = {} if "further" in hints else table.keys() - kinds.keys()
    if mismatched := sorted((needed - table.keys()) | set(unknown)):
        raise ValueError(
            f"missing or unknown entries, perhaps a newer paretoprune's: {', '.join(mismatched)}"
        )
    for name, value in table.items():
        expected = kinds.get(name, type(value) if type(value) in SCALARS else ())
        fits = (int, float) if expected is float else expected
        if not isinstance(value, fits) or isinstance(value, bool) != (fits is bool):
            raise ValueError(f"{name} is {value!r}")
        if name not in kinds and not str(value).isprintable():
            raise ValueError(f"{name!a} is {value!r}")
        if isinstance(value, int) and abs(value) >= LARGEST:
            raise ValueError(f"{name} has more digits than a number of TOML")
    return from_values(kind, table) if "further" in hints else kind(**table)


def tables_of(plan: Plan) -> dict[str, Any]:
    """Return the tables of `study.toml`; options of methods stand among those of the study."""
    tables = {
        "settings": values_of(plan.settings),
        "budget": values_of(plan.budget),
        "measured": asdict(plan.measured),
    }
    columns = [
        {name: getattr(column, name) for name in DECLARED}
        | ({} if column.plain is None else {"plain": column.plain})
        for column in plan.further_columns
    ]
    return {**tables, "columns": columns} if columns else tables


def declared_columns(tables: Any) -> tuple[Column, ...]:
    """Read the declarations of methods' columns; raise `ValueError` if they cannot be some."""
    if not isinstance(tables, list) or len(tables) > MOST_DECLARED:
        raise ValueError(f"its columns are no list of up to {MOST_DECLARED}")
    columns = {column.name: column for column in map(declared_column, tables)}
    if len(columns) < len(tables):
        raise ValueError("its columns declare one twice")
    return tuple(columns.values())


def declared_column(table: Any) -> Column:
    """Read the declaration of a method's column; raise `ValueError` if it cannot be one."""
    if not isinstance(table, dict) or table.keys() - {"plain"} != set(DECLARED):
        raise ValueError("its columns lack an entry, or have an unknown one")
    values = {name: table[name] for name in DECLARED}
    texts = [values[each] for each in ("name", "kind", "meaning", "unit", "label")]
    flags = [values[each] for each in ("is_mean", "is_variant", "is_place")]
    is_plain = all(isinstance(text, str) and text.isprintable() for text in texts)
    if not is_plain or not all(isinstance(flag, bool) for flag in flags):
        raise ValueError("its columns have an entry of another type")
    name, kind = values["name"], values["kind"]
    is_free = name not in COLUMNS and name != "seeds" and not name.endswith("_sd")
    is_kind = kind in ("whole", "real") or (kind in ("flag", "text") and not values["is_mean"])
    if not (is_free and is_kind and name.isidentifier() and len(name) < 100):
        raise ValueError(f"its columns declare {name!r}, which cannot be one")
    phrase = f"{name.replace('_', ' ')} {{}}" if values["is_variant"] else ""
    plain = table.get("plain")  # any value can be compared
    return Column(**values, phrase=phrase, plain=plain, older=None, checked="measured")
