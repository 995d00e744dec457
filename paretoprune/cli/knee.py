"""Command `knee`: the choice of a network by a rule or an ε-constraint, and its confirmation."""

from pathlib import Path

import typer

from paretoprune.cli.options import DATA_DIR, JSON, STUDY, interruptible
from paretoprune.errors import UsageError
from paretoprune.study.columns import COLUMNS, quality_axes, size_axes
from paretoprune.study.parsing import AUTO
from paretoprune.study.settings import data_folder

LOSS = COLUMNS["val_loss"].bound
SIZES = [column.bound for column in COLUMNS.values() if column.bound not in ("", LOSS)]


def knee(
    study: Path = STUDY,
    rule: str | None = typer.Option(
        None,
        help="balance | chord | weight-interval | angle | tradeoff | hypervolume | one-se "
        "(default: balance)",
    ),
    axes: str | None = typer.Option(
        None,
        metavar="QUALITY,SIZE",
        help=f"{' | '.join(quality_axes())}, and {' | '.join(size_axes())}, such as error,flops "
        "(default: the first that the rule knows)",
    ),
    is_log: bool | None = typer.Option(
        None,
        "--log/--linear",
        help="Scale of the axes (default: the first that the rule knows)",
        show_default=False,
    ),
    at_least: str | None = typer.Option(
        None,
        metavar="NAME=X",
        help="Take the smallest with accuracy=0.98 (or r2, skill), or the most accurate with "
        "sparsity=0.95.",
    ),
    at_most: str | None = typer.Option(
        None,
        metavar="NAME=X",
        help=f"Take the most accurate with {', '.join(SIZES[:-1])} or {SIZES[-1]}, or the smallest "
        f"with {LOSS}.",
    ),
    confirm: bool = typer.Option(
        False, "--confirm", help="Train the choice for the full epochs: does it hold?"
    ),
    epochs: int | None = typer.Option(
        None, help="Of the confirmation (default: three times the sweep's)"
    ),
    device: str | None = typer.Option(
        None, help="Of the confirmation: auto | cpu | cuda (default: auto)"
    ),
    data_dir: Path | None = DATA_DIR,
    as_json: bool = JSON,
) -> None:
    """Report the knee of the front, or the network that meets a bound (on validation data)."""
    constraints = [text for text in (rule, at_least, at_most) if text is not None]
    if len(constraints) > 1:
        raise UsageError("--rule, --at-least and --at-most exclude each other: give one of them")
    if rule is None and constraints and (axes is not None or is_log is not None):
        raise UsageError(
            "--axes, --log and --linear are of knee rules: leave them out with --at-least and "
            "--at-most, whose front follows from what they bound"
        )
    if not confirm and (epochs is not None or device is not None):
        raise UsageError("--epochs and --device are of a confirmation: give --confirm too")
    from paretoprune.analysis.choice import find_constrained, find_knee, require_search
    from paretoprune.analysis.constraints import parse_constraint
    from paretoprune.analysis.snapshot import load_study
    from paretoprune.report.terminal.knee import show_choice

    snapshot = load_study(study)
    require_search(snapshot)
    if at_least is not None or at_most is not None:
        constraint = parse_constraint(constraints[0], is_lower=at_least is not None)
        choice = find_constrained(snapshot, constraint)
    else:
        scale = None if is_log is None else "log" if is_log else "linear"
        choice = find_knee(snapshot, *constraints, axes=axes, scale=scale)
    if not confirm:
        show_choice(snapshot, choice, None, as_json=as_json)
        return
    with interruptible():
        from paretoprune.problem.build import Environment
        from paretoprune.report.terminal.live_view import SweepView
        from paretoprune.runner.confirm import confirm as run_confirmation

        environment = Environment(device=device or AUTO, data_dir=data_folder(data_dir))
        with SweepView() as view:
            confirmation = run_confirmation(snapshot, choice, environment, view, epochs)
    show_choice(snapshot, choice, confirmation, as_json=as_json)
    raise typer.Exit(0 if confirmation.is_done else 3)
