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
from paretoprune.study.options import choose


@dataclass(frozen=True)
class Choice:
    """A network that was chosen on a front, with its neighbours there.

    Attributes:
        rule: the name of the knee rule, or the ε-constraint as text.
        reason: why this network was chosen, or why none was.
        axes: the columns of the loss or error and of the size.
        scale: `log` or `linear`; `None` if the choice does not depend on the scale.
        front: the living networks that are nondominated in `axes`.
        network: the label of the chosen row of `front`; `None` if the front has no knee.
        denser: the label of the next denser network; `None` at that end of the front.
        sparser: the label of the next sparser network; `None` at that end of the front.
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
    def axes_label(self) -> str:
        """The names of the axes and their scale, as text."""
        names = " and ".join(map(word_of, self.axes))
        return f"{names}, {self.scale} axes" if self.scale else names


def require_search(snapshot: StudySnapshot) -> None:
    """Raise `UsageError` for a study whose method has no search, and so no front."""
    if not snapshot.has_search:
        method = snapshot.plan.settings.method
        raise UsageError(
            f"{snapshot.folder} was begun with --method {method}, so it has no front and no knee: "
            f"`paretoprune show {snapshot.folder}` prints its networks"
        )


def require_counted(snapshot: StudySnapshot, axes: Axes) -> None:
    """Raise `UsageError` if no run has the size of `axes`, which older versions did not count."""
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
    """Choose the knee of a study's front on validation data.

    Args:
        snapshot: the study.
        rule: the name of the knee rule, a key of `RULES`.
        axes: the axes of the front, a key of `AXES_OF`; `None` selects the rule's default.
        scale: the scale of the axes, `log` or `linear`; `None` selects the rule's default.

    Returns:
        The choice; its `network` is `None` if the rule finds no knee.

    Raises:
        UsageError: for an unknown rule, for axes or a scale that the rule does not support, and
            for sizes that the version which trained the study did not count.
    """
    knee_rule = RULES[choose(rule, RULES, "--rule")]
    spec = knee_rule.spec(rule, axes, scale, snapshot.plan.measured)
    require_counted(snapshot, spec.axes)
    front = snapshot.front_on(spec.axes)
    result = knee_rule.rule(front, spec)
    used = spec.scale if knee_rule.scales else None
    return _with_neighbours(Choice(rule, result.reason, spec.axes, used, front, result.index))


def find_constrained(snapshot: StudySnapshot, constraint: Constraint) -> Choice:
    """Choose the network that satisfies an ε-constraint best (see `satisfy`).

    Raises:
        UsageError: if the constraint bounds another metric than the study measures, if the study
            lacks the sizes of its axes, or if no network satisfies the constraint.
    """
    require_metric(constraint, snapshot.plan.measured.quality)
    require_counted(snapshot, constraint.axes)
    chosen = satisfy(choosable(snapshot.networks), constraint)
    front = snapshot.front_on(constraint.axes)
    return _with_neighbours(
        Choice(str(constraint), f"the best with {constraint}", constraint.axes, None, front, chosen)
    )


def _with_neighbours(choice: Choice) -> Choice:
    """Return the same choice with the network's neighbours."""
    if choice.network is None:
        return choice
    # a front is sorted by its first axis, the loss or error: the next row is a smaller network
    labels = [int(label) for label in choice.front.index]
    position = labels.index(choice.network)
    return replace(
        choice,
        denser=labels[position - 1] if position > 0 else None,
        sparser=labels[position + 1] if position + 1 < len(labels) else None,
    )
