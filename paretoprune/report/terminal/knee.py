"""Printed output of `knee`: the chosen network, its neighbours, its weights, its confirmation."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from paretoprune.analysis.aggregate import choosable
from paretoprune.analysis.choice import Choice
from paretoprune.analysis.knee.axes import word_of
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.report.documents import choice_document
from paretoprune.report.terminal import out
from paretoprune.report.terminal.tables import points_table, sizes_line, step_cost, weights_path
from paretoprune.runner.events import plural

if TYPE_CHECKING:
    from paretoprune.runner.confirm import Confirmation


def show_choice(
    snapshot: StudySnapshot, choice: Choice, confirmation: "Confirmation | None", *, as_json: bool
) -> None:
    """Print a chosen network and the cost of a step to each neighbour, as text or JSON."""
    if as_json:
        document = choice_document(snapshot, choice, confirmation)
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    if choice.network is None:
        out.print(
            f"no knee: {choice.reason} ({choice.rule} on {choice.axes_label})", soft_wrap=True
        )
        return
    network = choice.row(choice.network)
    alone, quality = choice.front.loc[[choice.network]], snapshot.plan.measured.quality
    title = f"{choice.rule} (validation data)"
    out.print(points_table(alone, choice.network, title, mark="", metric=quality))
    for line in (f"{choice.reason}; on {choice.axes_label}", *left_out(snapshot, choice)):
        out.print(line, soft_wrap=True)
    for word, label in (("denser", choice.denser), ("sparser", choice.sparser)):
        if label is None:
            out.print(f"next {word}: none, it is that end of the front")
        else:
            step = (f"next {word}", network, choice.row(label), quality, choice.axes[1])
            out.print(step_cost(*step), soft_wrap=True)
    for line in (*sizes_line(network), f"weights: {weights_path(snapshot, network)}"):
        out.print(line, soft_wrap=True)
    if confirmation is not None:
        show_confirmation(snapshot, network, confirmation)


def left_out(snapshot: StudySnapshot, choice: Choice) -> Iterator[str]:
    """Yield a note on networks whose size an older version did not count, if there are any."""
    uncounted = int(choosable(snapshot.networks)[choice.axes[1]].isna().sum())
    if uncounted:
        of = f"{plural(uncounted, 'network')} of an older version"
        yield f"left out: {of}, which did not count {word_of(choice.axes[1])}"


def show_confirmation(
    snapshot: StudySnapshot, network: pd.Series, confirmation: "Confirmation"
) -> None:
    """Print what a longer training changed, and whether the network is still nondominated."""
    row, points = confirmation.row, snapshot.points
    before = points[points["run_id"] == network["run_id"]].iloc[0]  # the same seed, not the mean
    epochs = f"{row['epochs']} epochs instead of {network['epochs']}"
    if not confirmation.is_done:
        out.print(f"not confirmed, {epochs}: {row['failure']}", soft_wrap=True)
        return
    quality, title = snapshot.plan.measured.quality, f"Confirmation: {epochs} (validation data)"
    out.print(points_table(row.to_frame().T, None, title, metric=quality))
    change = step_cost(f"they brought, for seed {row['seed']}", before, row, quality)
    out.print(change, soft_wrap=True)
    if confirmation.is_nondominated:
        out.print("nondominated: no network of the study is better in loss and complexity")
    elif row["collapsed"]:
        out.print("collapsed: no better than a constant prediction")
    else:
        lams = ", ".join(f"{lam:.3g}" for lam in confirmation.beaten_by["lam"])
        out.print(f"dominated, in loss and complexity, by λ = {lams}", soft_wrap=True)
    out.print(f"weights: {weights_path(snapshot, row)}", soft_wrap=True)
