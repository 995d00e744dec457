"""Choice of a network on the front of a study, by a knee rule or an ε-constraint."""

from dataclasses import dataclass, replace

import pandas as pd

from paretoprune.analysis.aggregate import choosable
from paretoprune.analysis.constraints import Constraint, require_metric, satisfy
from paretoprune.analysis.knee import DEFAULT_RULE, RULES
from paretoprune.analysis.knee.axes import word_of
from paretoprune.analysis.pareto import Axes
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.errors import UsageError
from paretoprune.study.run import SMGD
from paretoprune.study.validation import choose


@dataclass(frozen=True)
class Choice:
    """A network that was chosen on a front, with its neighbours there (`None` at an end).

    `front` is that in `axes`; `network`, `denser` and `sparser` are labels of its rows. `scale`
    is `log`, `linear`, or `None` where the choice does not depend on it.
    """

    rule: str
    reason: str
    axes: Axes
    scale: str | None
    front: pd.DataFrame
    network: int | None
    denser: int | None = None
    sparser: int | None = None

    def row(self, label: int) -> pd.Series:
        """Return the row of the front with a label."""
        return self.front.loc[[label]].iloc[0]

    @property
    def place(self) -> str:
        """The axes and their scale, in words."""
        names = " and ".join(map(word_of, self.axes))
        return f"{names}, {self.scale} axes" if self.scale else names


def require_search(snapshot: StudySnapshot) -> None:
    """Raise `UsageError` for a study that never searches, so that it has no front."""
    if snapshot.plan.settings.method == SMGD:
        raise UsageError(
            f"{snapshot.folder} was begun with --method smgd, so it has no front and no knee: "
            f"`paretoprune show {snapshot.folder}` prints its networks"
        )


def require_counted(snapshot: StudySnapshot, axes: Axes) -> None:
    """Raise `UsageError` for axes of which an older version measured nothing."""
    size, living = word_of(axes[1]), choosable(snapshot.networks)
    if len(living) and living[axes[1]].isna().all():
        raise UsageError(
            f"no run of {snapshot.folder} says its {size}, which older versions did not count: "
            "runs of this version do, so begin the study anew, or ask for nonzeros"
        )


def find_knee(
    snapshot: StudySnapshot,
    rule: str = DEFAULT_RULE,
    *,
    axes: str | None = None,
    scale: str | None = None,
) -> Choice:
    """Apply a knee rule on validation data.

    `axes` (a key of `AXES_OF`) and `scale` (`log` or `linear`) are the rule's
    own where they are `None`. Raises `UsageError` for an unknown rule, for axes or a scale
    that have no meaning for it, and for axes that older versions did not measure.
    """
    knee_rule = RULES[choose(rule, RULES, "--rule")]
    spec = knee_rule.spec(rule, axes, scale, snapshot.plan.measured)
    require_counted(snapshot, spec.axes)
    front = snapshot.front_on(spec.axes)
    result = knee_rule.rule(front, spec)
    used = spec.scale if knee_rule.scales else None
    return _with_neighbours(Choice(rule, result.reason, spec.axes, used, front, result.index))


def find_constrained(snapshot: StudySnapshot, constraint: Constraint) -> Choice:
    """Choose the network that fulfils a wish; raise `UsageError` where none does."""
    require_metric(constraint, snapshot.plan.measured.quality)
    require_counted(snapshot, constraint.axes)
    chosen = satisfy(choosable(snapshot.networks), constraint)
    front = snapshot.front_on(constraint.axes)
    return _with_neighbours(
        Choice(str(constraint), f"the best with {constraint}", constraint.axes, None, front, chosen)
    )


def _with_neighbours(choice: Choice) -> Choice:
    """The same choice with the network's neighbours."""
    if choice.network is None:
        return choice
    # a front is sorted by its first axis, the quality: the next row is the next smaller network
    labels = [int(label) for label in choice.front.index]
    at = labels.index(choice.network)
    return replace(
        choice,
        denser=labels[at - 1] if at > 0 else None,
        sparser=labels[at + 1] if at + 1 < len(labels) else None,
    )
