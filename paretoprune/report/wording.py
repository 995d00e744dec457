"""Texts about the end of a sweep: why it ended, what it left open, and which commands come next."""

import math
import shlex
from collections.abc import Sequence

from paretoprune.analysis.aggregate import choosable
from paretoprune.runner.events import Summary, plural
from paretoprune.training.methods import label_of

# State of an interval -> its meaning.
MEANINGS = {
    "converged": "gain under --tolerance",
    "noise": "tried, nothing better",
    "narrow": "nothing new in between",
    "outside": "leads out of the range of λ",
    "overfit": "denser than the best on validation data",
    "failed": "the training there failed",
    "budget": "still promising",
}

# Ending of a sweep -> its description.
ENDINGS = {
    "done": "the search is done",
    "compared": "all runs are trained",
    "budget": "--max-runs is reached",
    "time": "the next round would exceed --time-budget",
    "kept": "the next epoch would exceed --time-budget; the fleet in training is kept",
    "failed": "a run failed or diverged, and --fail-fast ends the sweep there",
}

GOES_ON = ("budget", "time", "kept", "failed")  # endings after which there is more to train


def closing(summary: Summary) -> str:
    """Describe how a sweep ended and what it left open, one line per fact."""
    took, points = duration(summary.seconds), summary.swept
    compared = points.loc[points["role"] == "comparison", "method"]
    parts = [f"{n} of them {label_of(str(name))}" for name, n in compared.value_counts().items()]
    count = ", ".join([plural(len(points), "run"), *(parts if len(compared) < len(points) else [])])
    lines = [f"{count}; {ENDINGS[summary.ending]} ({took} this time)."]
    collapsed = int(points["collapsed"].sum())
    if collapsed:
        lines.append(f"{collapsed} collapsed: no better than a constant prediction.")
    if len(points) and collapsed == (points["status"] == "done").sum():
        zero = ", not even at λ = 0" if len(compared) < len(points) else ""
        lines.append(f"Nothing learnt{zero}: try another --lr or --threshold.")
    if summary.unsuccessful:
        lines.append(f"{summary.unsuccessful} failed or diverged: `show --all` says why.")
    if summary.reasons:
        counts = (f"{n} {reason} ({MEANINGS[reason]})" for reason, n in summary.reasons.items())
        lines.append(f"Intervals between neighbours: {', '.join(counts)}.")
    for low, high in summary.holes:
        lines.append(f"Hole: the front is not known between λ = {low:.3g} and λ = {high:.3g}.")
    return "\n".join(lines)


def next_commands(summary: Summary, place: Sequence[str]) -> list[str]:
    """Return the commands to type next.

    `place` holds the options that say where a sweep is trained, such as `--device`.
    """
    folder = str(summary.folder)
    roles = set(summary.points["role"])
    commands = [["knee", folder]] if "search" in roles else []
    commands += [["show", folder, "--all"]] if roles else []
    if "comparison" in roles and len(choosable(summary.points)):
        commands += [["compare", folder]]
    if summary.ending in GOES_ON:
        runs = max(summary.max_runs, summary.points["lam"].nunique())
        more = [f"--max-runs={2 * runs}"] if summary.ending == "budget" else []
        commands.append(["sweep", folder, *more, *place])
    return [shlex.join(["paretoprune", *command]) for command in commands]


def duration(seconds: float) -> str:
    """Format seconds as a duration, such as `4 min`."""
    if not math.isfinite(seconds):
        return "?"
    if seconds < 1:
        return "under 1 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
