"""Which point to take? A new rule: one file with a function, and one line in `RULES`."""

from paretoprune.knee.chord import chord
from paretoprune.knee.verdict import Rule, Verdict
from paretoprune.knee.weight_interval import weight_interval

__all__ = ["RULES", "Rule", "Verdict"]

DEFAULT_RULE = "chord"
RULES: dict[str, Rule] = {
    "chord": chord,
    "weight-interval": weight_interval,
}
