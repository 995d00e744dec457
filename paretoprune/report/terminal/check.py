"""Printed output of `check`: what is pruned, how it is trained, and how long a sweep would take."""

import json
import math
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table

from paretoprune.report.terminal import out
from paretoprune.report.wording import duration
from paretoprune.runner.events import plural
from paretoprune.study.plan import tables_of

if TYPE_CHECKING:
    from paretoprune.runner.dry_run import DryRun


def show_check(checked: "DryRun", *, as_json: bool) -> None:
    """Print the result of a dry run as text or JSON."""
    if as_json:
        document = asdict(checked) | {"plan": tables_of(checked.plan)}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    settings, measured = checked.plan.settings, checked.plan.measured
    kind = f"{checked.classes} classes" if checked.classes else "numbers to predict"
    samples = ", ".join(f"{count:,} {name}" for name, count in checked.samples.items())
    shapes = " and ".join(" x ".join(map(str, shape)) or "a number" for shape in checked.shapes)
    out.print(
        f"{settings.model} on {settings.dataset}: {samples}; inputs {shapes}; {kind}",
        soft_wrap=True,
    )
    out.print(layers_table(checked))
    total = measured.prunable_weights
    out.print(f"{total:,} prunable weights; {checked.others:,} other parameters")
    for name in checked.unused:
        out.print(f"{name} got no gradient from the first batch: is the layer used?")
    out.print(f"fleets are trained {checked.path}")
    for path, reason in checked.refused.items():
        out.print(f"  not {path}: {reason}", soft_wrap=True)
    out.print(
        f"at the start: {settings.loss} {checked.loss:.4g} (the constant prediction's "
        f"{measured.constant_loss:.4g}), {settings.complexity} {checked.complexity:,.4g}, "
        f"λ_ref {measured.lam_ref:.3g}",
        soft_wrap=True,
    )
    out.print(
        f"a step of {settings.batch_size} samples: loss {checked.step_loss:.4g}, "
        f"{1000 * checked.step_seconds:.3g} ms a network in fleets of {checked.fleet_size}; "
        f"{checked.memory / 1e9:.2f} GB of memory in use",
        soft_wrap=True,
    )
    if checked.fastest_fleet_size != checked.fleet_size:
        fastest = checked.fastest_fleet_size
        out.print(f"fleets of {fastest} are faster on this machine: --fleet {fastest}")
    out.print(
        f"a sweep of {plural(checked.runs, 'run')} x {plural(settings.epochs, 'epoch')}: "
        f"{duration(checked.sweep_seconds)} or so"
    )


def layers_table(checked: "DryRun") -> Table:
    """Return a table with a line per prunable layer."""
    table = Table("layer", "shape", "weights", box=None, pad_edge=False)
    table.columns[2].justify = "right"
    for name, shape in checked.layers.items():
        table.add_row(
            name.removesuffix(".weight"), " x ".join(map(str, shape)), f"{math.prod(shape):,}"
        )
    return table
