"""Command `check`: a dry run of a sweep, with the options that affect training."""

from typing import Any

from paretoprune.cli.options import JSON, given, given_budget, given_settings
from paretoprune.cli.signature import with_options
from paretoprune.runner.place import Place
from paretoprune.study.options import options_of
from paretoprune.training.methods import study_options

OPTIONS = [each for each in (*study_options(), *options_of(Place)) if each.in_check]


@with_options(OPTIONS)
def check(as_json: bool = JSON, **options: Any) -> None:
    """Try a sweep's options: one batch through the real step and back; nothing is written.

    Says which layers are prunable, how fleets are trained, the objectives at the start, time and
    memory of a step, and about how long the sweep would take.
    """
    budget = given_budget(options)
    from paretoprune.report.terminal.check import show_check
    from paretoprune.runner.dry_run import check as run_check
    from paretoprune.runner.request import request_of

    request = request_of(None, given_settings(options), budget, Place(**given(options, Place)))
    show_check(run_check(request), as_json=as_json)
