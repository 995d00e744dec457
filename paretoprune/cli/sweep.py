"""Command `sweep`: begins or continues a study."""

from pathlib import Path
from typing import Annotated, Any

import typer

from paretoprune.cli.options import given, given_budget, given_settings, interruptible, place_of
from paretoprune.cli.signature import with_options
from paretoprune.runner.executors.ray import RayConfig, ray_config_of
from paretoprune.runner.place import Place
from paretoprune.study.options import options_of
from paretoprune.training.methods import study_options

OPTIONS = [*study_options(), *options_of(Place), *options_of(RayConfig)]


@with_options(OPTIONS)
def sweep(
    study: Annotated[
        Path | None,
        typer.Argument(
            metavar="STUDY",
            help="Folder to begin or continue (default: DATASET-MODEL).",
            show_default=False,
        ),
    ] = None,
    json_progress: Annotated[
        bool, typer.Option("--json-progress", help="One line of JSON for each event, on stderr.")
    ] = False,
    **options: Any,
) -> None:
    """Approximate the front between loss and weight complexity, and draw it.

    A few runs of methods that choose their own trade-off are trained for comparison. The same
    command continues after an interruption, and with a larger --max-runs it continues further.
    """
    place, budget = Place(**given(options, Place)), given_budget(options)
    ray = ray_config_of(place.executor, given(options, RayConfig), place.device)
    with interruptible():
        from paretoprune.report.terminal.sweep import show_sweep, sweep_view
        from paretoprune.runner.request import request_of
        from paretoprune.runner.sweep import sweep as run_sweep

        request = request_of(study, given_settings(options), budget, place, ray)
        with sweep_view(is_json=json_progress) as view:
            summary = run_sweep(request, view)
        show_sweep(summary, place_of(OPTIONS, options))
    raise typer.Exit(3 if summary.unsuccessful else 0)
