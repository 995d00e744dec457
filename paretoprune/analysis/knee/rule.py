"""Entry of the table of knee rules: a rule with the axes and scales that it supports.

The table is `RULES` in `__init__.py`; each rule has a file of its own in this folder.
"""

from dataclasses import dataclass

from paretoprune.analysis.knee.axes import AXES_OF, SCALES, AxesSpec
from paretoprune.analysis.knee.result import Rule
from paretoprune.errors import UsageError
from paretoprune.study.options import choose
from paretoprune.study.plan import Measured


@dataclass(frozen=True)
class KneeRule:
    """A knee rule with the axes and scales that it supports.

    Attributes:
        rule: the function that chooses a point.
        axes: the supported keys of `AXES_OF`; the first is the default.
        scales: the supported `SCALES`, the first being the default; empty if the rule does not
            depend on the scale.
        why_axes: why it supports no other axes; the end of an error message.
        why_scales: why it supports no other scales; the end of an error message.
    """

    rule: Rule
    axes: tuple[str, ...] = tuple(AXES_OF)
    scales: tuple[str, ...] = SCALES
    why_axes: str = ""
    why_scales: str = ""

    def spec(self, name: str, axes: str | None, scale: str | None, measured: Measured) -> AxesSpec:
        """Return the axes and the scale that a user asks for; `None` selects the rule's default.

        Args:
            name: the name of the rule, for error messages.
            axes: a key of `AXES_OF`.
            scale: one of `SCALES`.
            measured: the facts of the study that the rules need.

        Raises:
            UsageError: for unknown axes or scales, and for those that the rule does not support.
        """
        axes = self.axes[0] if axes is None else choose(axes, AXES_OF, "--axes")
        if axes not in self.axes:
            known = ", ".join(self.axes)
            raise UsageError(f"--rule {name} works on --axes {known} only: {self.why_axes}")
        if scale is not None and choose(scale, SCALES, "scale") not in self.scales:
            known = " and ".join(f"--{word}" for word in self.scales)
            works = f"works with {known} only" if known else "takes neither --log nor --linear"
            raise UsageError(f"--rule {name} {works}: {self.why_scales}")
        chosen = scale or (self.scales or ("linear",))[0]
        return AxesSpec(
            AXES_OF[axes],
            chosen == "log",
            measured.validation_images,
            measured.constant_loss,
            measured.quality,
        )
