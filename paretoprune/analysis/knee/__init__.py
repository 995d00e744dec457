"""Knee rules, each of which chooses one point of a front.

A new rule is one file with a function, and one line in `RULES`.
"""

from paretoprune.analysis.knee.angle import angle
from paretoprune.analysis.knee.axes import AXES_OF, AxesSpec
from paretoprune.analysis.knee.balance import balance
from paretoprune.analysis.knee.chord import chord
from paretoprune.analysis.knee.hypervolume import hypervolume
from paretoprune.analysis.knee.one_se import one_se
from paretoprune.analysis.knee.result import KneeResult, Rule
from paretoprune.analysis.knee.rule import KneeRule
from paretoprune.analysis.knee.tradeoff import tradeoff
from paretoprune.analysis.knee.weight_interval import weight_interval

__all__ = [
    "DEFAULT_RULE",
    "RULES",
    "AxesSpec",
    "KneeResult",
    "KneeRule",
    "Rule",
    "axes",
    "chord",
    "one_se",
]

DEFAULT_RULE = "balance"
RULES: dict[str, KneeRule] = {
    "balance": KneeRule(
        balance,
        axes=("loss,nonzeros", "loss,complexity", "loss,flops", "loss,parameters"),
        scales=("log",),
        why_axes="it measures losses against the constant prediction's and sizes against those of "
        "the whole network; --rule chord takes others",
        why_scales="it compares shares, which are factors; --rule chord takes both scales",
    ),
    "chord": KneeRule(chord),
    "weight-interval": KneeRule(
        weight_interval,
        axes=("loss,complexity",),
        scales=("linear",),
        why_axes="its weights are those of loss and complexity",
        why_scales="it weighs the values themselves, not their logarithms",
    ),
    "angle": KneeRule(angle),
    "tradeoff": KneeRule(tradeoff),
    "hypervolume": KneeRule(hypervolume),
    "one-se": KneeRule(
        one_se,
        axes=tuple(axes for axes in AXES_OF if axes.startswith("error,")),
        scales=(),
        why_axes="its standard error is that of the validation error",
        why_scales="it compares errors with a bound, whatever their scale; leave the scale out",
    ),
}
