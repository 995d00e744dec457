"""A line of the table of knee rules: a rule, and the axes and scales it has a meaning for."""

from dataclasses import dataclass

from paretoprune.analysis.knee.axes import AXES_OF, SCALES, Terms
from paretoprune.analysis.knee.result import Rule
from paretoprune.errors import UsageError
from paretoprune.study.settings import Measured, choose


@dataclass(frozen=True)
class Entry:
    """A rule with the `axes` and `scales` that it can be asked for: the first are its default.

    Without `scales` a scale has no meaning for it. `why_axes` and `why_scales` end the sentence
    that refuses others.
    """

    rule: Rule
    axes: tuple[str, ...] = tuple(AXES_OF)
    scales: tuple[str, ...] = SCALES
    why_axes: str = ""
    why_scales: str = ""

    def terms(self, name: str, axes: str | None, scale: str | None, measured: Measured) -> Terms:
        """The terms that a user asks for (`None`: the rule's own) of the rule called `name`.

        Raises `UsageError` for axes or a scale without a meaning.
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
        return Terms(
            AXES_OF[axes],
            chosen == "log",
            measured.validation_images,
            measured.constant_loss,
            measured.quality,
        )
