"""Column: the declaration of a column of the table of points, from which all its uses follow.

The table of columns is `COLUMNS` in `columns.py`.
"""

from dataclasses import dataclass
from math import inf, nan
from typing import Final, Literal

Kind = Literal["text", "whole", "real", "flag", "layers"]

MANY = 1_000_000  # the largest count of runs, epochs, rounds, samples of a step and the like
WEIGHTS = 2**53  # numbers of weights up to this one are exact as floats
LARGEST = 1e39  # larger than every 32-bit float
ALWAYS: Final = "always"  # `older` of a column that every version has written
# Values in the row of a run that failed, unless a column has its own.
UNMEASURED: dict[Kind, object] = {"real": nan, "flag": False, "layers": ()}


@dataclass(frozen=True)
class Column:
    """A column of the table of points.

    Attributes:
        name: its name in the table; columns are added, never renamed or removed.
        kind: the type of its values.
        meaning: its meaning, a cell of docs/table.md.
        unit: the unit of its values, if they have one.
        filled_by: what knows its values: the `run` (its fields), the `training` (measurements), the
            `study` (round, role, search, version of torch) or the `storage` (files, our version).
        unmeasured: the value in the row of a run that failed; `None` stands for that of its
            kind: NaN, false, no layers, or none at all.
        older: the value in tables of versions that lack the column; `ALWAYS` if none lacks it.
        checked: the rows whose values must exist and lie within `least` and `most`: `always`,
            those of `done` runs, those of done runs where it was `measured`, those where a value
            is `given`, or `never` any.
        least: the smallest possible value.
        most: the largest possible value.
        words: the possible values of a text; empty for any.
        is_free: whether a text is no name, and so need not be printable on one line.
        is_variant: whether runs with different values are different networks, and not the same
            network with another seed.
        is_mean: whether the value of a network is the mean over its seeds.
        axis: the name on `--axes`; empty for a column that is no axis. A column whose name begins
            with `val_` is a loss or an error there, all others are sizes.
        word: the name in messages; empty for `name`.
        label: the label of an axis of a figure.
        dense: the column with the same size of the dense network, `prunable_weights` by default.
        bound: the name and an example of a bound of `knee --at-most`, as `NAME=EXAMPLE`; empty for
            a column that cannot be bounded.
        is_place: whether the value tells a run's place on the front of its method, as λ does.
        phrase: how a variant of a method is described by its value, which replaces `{}`; empty for
            a column that such a description leaves out.
        plain: the value that a description leaves out.
    """

    name: str
    kind: Kind
    meaning: str
    unit: str = ""
    filled_by: Literal["run", "training", "study", "storage"] = "training"
    unmeasured: object = None
    older: object = ALWAYS
    checked: Literal["always", "done", "measured", "given", "never"] = "never"
    least: float = -inf
    most: float = inf
    words: tuple[str, ...] = ()
    is_free: bool = False
    is_variant: bool = False
    is_mean: bool = False
    axis: str = ""
    word: str = ""
    label: str = ""
    dense: str = "prunable_weights"
    bound: str = ""
    is_place: bool = False
    phrase: str = ""
    plain: object = None

    @property
    def is_quality(self) -> bool:
        """Whether it is a loss or an error on validation data, and no size."""
        return self.name.startswith("val_")

    @property
    def is_count(self) -> bool:
        """Whether the values are whole numbers, so that a figure or a message counts them."""
        return self.kind == "whole"

    @property
    def value_unmeasured(self) -> object:
        """The value in the row of a run that failed."""
        return UNMEASURED.get(self.kind) if self.unmeasured is None else self.unmeasured
