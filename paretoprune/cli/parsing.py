"""Parsers of option values: durations and fleet sizes."""

import re

from paretoprune.errors import UsageError
from paretoprune.study.settings import AUTO

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> float:
    """Parse a duration such as `90`, `90s`, `10m` or `1.5h`; return seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise UsageError(f"--time-budget {text} is not a duration: write it like 90s, 10m or 1.5h")
    return float(match[1]) * UNITS[match[2] or "s"]


def parse_fleet(text: str) -> int:
    """Parse `--fleet`; return the number of networks, or 0 for `auto`."""
    if text == AUTO:
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--fleet {text} is not auto or a number of networks, such as 4")
    return int(text)
