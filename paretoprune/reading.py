"""What does a study say? Its networks, their front, and the network that a user would take."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from paretoprune import store
from paretoprune.front import choosable, over_seeds, pareto
from paretoprune.knee import DEFAULT_RULE, RULES, Verdict
from paretoprune.knee.wish import Wish, fulfil
from paretoprune.settings import Plan, choose


@dataclass(frozen=True)
class Reading:
    """A study as it stands: every run (`points`), and one row for each lam (`networks`)."""

    folder: Path
    plan: Plan
    points: pd.DataFrame
    networks: pd.DataFrame

    @property
    def front(self) -> pd.DataFrame:
        """The nondominated networks, from the least validation loss to the smallest."""
        return pareto(choosable(self.networks))


@dataclass(frozen=True)
class Choice:
    """A network that was chosen on a front, with its neighbours there (`None` at an end).

    `network`, `denser` and `sparser` are labels of rows of `front`.
    """

    rule: str
    reason: str
    front: pd.DataFrame
    network: int | None
    denser: int | None = None
    sparser: int | None = None


def read_study(folder: Path) -> Reading:
    """Read a study. Raises `UsageError` without one, `CorruptStudyError` for one that is broken."""
    plan, points = store.read_plan(folder), store.read(folder)
    return Reading(folder, plan, points, over_seeds(points))


def find_knee(reading: Reading, rule: str = DEFAULT_RULE) -> Choice:
    """Apply a knee rule on validation data; an unknown rule raises `UsageError`."""
    verdict: Verdict = RULES[choose(rule, RULES, "--rule")](reading.front)
    return _choice(rule, verdict.reason, reading.front, verdict.index)


def find_wish(reading: Reading, wish: Wish) -> Choice:
    """Choose the network that fulfils a wish; raise `UsageError` where none does."""
    networks = choosable(reading.networks)
    chosen = fulfil(networks, wish)
    return _choice(str(wish), f"the best with {wish}", pareto(networks, wish.axes), chosen)


def _choice(rule: str, reason: str, front: pd.DataFrame, network: int | None) -> Choice:
    if network is None:
        return Choice(rule, reason, front, None)
    # a front is sorted by its first axis, the quality: the next row is the next smaller network
    labels = [int(label) for label in front.index]
    at = labels.index(network)
    return Choice(
        rule,
        reason,
        front,
        network,
        denser=labels[at - 1] if at > 0 else None,
        sparser=labels[at + 1] if at + 1 < len(labels) else None,
    )
