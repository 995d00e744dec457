"""Place of a call: the options that a study does not store. Loads no torch."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from paretoprune.runner.executors import LOCAL
from paretoprune.study.options import CLUSTER, PLACE, SEARCH, Rule, option, require_valid
from paretoprune.study.parsing import AUTO, parse_duration
from paretoprune.study.settings import DATA_VARIABLE

DATA_HELP = "Where data are, or go (default: ~/.cache/paretoprune)"

_of_place = partial(option, panel=PLACE, is_repeated=True, in_check=True)


@dataclass(frozen=True, kw_only=True)
class Place:
    """The options that hold for one call: how long a sweep trains, and where.

    Raises `UsageError` on creation if a value is out of range.
    """

    time_budget: float | None = option(
        None,
        "Start no round that would exceed it, and no epoch of a fleet that takes over 5 minutes: "
        "90s, 10m, 1.5h",
        SEARCH,
        valid=Rule(lambda seconds: seconds > 0, "a number above 0"),
        parse=parse_duration,
    )
    fail_fast: bool = option(False, "End with the first run that fails or diverges", SEARCH)
    retry_failed: bool = option(False, "First train the failed runs again", SEARCH)
    device: str = _of_place(AUTO, "auto | cpu | cuda (default: auto)")
    data_dir: Path | None = option(
        None, DATA_HELP, PLACE, is_repeated=True, in_check=True, envvar=DATA_VARIABLE
    )
    executor: str = option(
        LOCAL, "local | ray, with paretoprune[ray] (default: local)", CLUSTER, is_repeated=True
    )
    asynchronous: bool = option(
        False,
        "Propose runs whenever a fleet ends, not round by round: machines wait less, and the λs "
        "depend on which fleet ended first",
        CLUSTER,
        is_repeated=True,
    )

    def __post_init__(self) -> None:
        require_valid(self)
