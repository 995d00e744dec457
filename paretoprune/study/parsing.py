"""Parsers of option values: durations and fleet sizes."""

import re

from paretoprune.errors import UsageError

AUTO = "auto"
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `90`, `90s`, `10m`, `1.5h` or `2d`.

    Raises `UsageError` if the text is not a duration, or is 0.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if match is None or float(match[1]) == 0:
        raise UsageError(f"--time-budget {text} is not a duration: write it like 90s, 10m or 1.5h")
    return float(match[1]) * UNITS[match[2] or "s"]


def parse_fleet(text: str) -> int:
    """Return the number of networks that `--fleet` gives, or 0 for `auto`.

    Raises `UsageError` if the text is neither `auto` nor a number above 0.
    """
    if text == AUTO:
        return 0
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--fleet {text} is not auto or a number of networks, such as 4")
    return int(text)
