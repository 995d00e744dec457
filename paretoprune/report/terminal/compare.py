"""Printed output of `compare`: fronts, and fronts against other fronts and methods."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from rich.table import Table

from paretoprune.analysis.comparison.compare import Comparison, FrontComparison, Group, Variant
from paretoprune.analysis.comparison.distance import Distance, Spread
from paretoprune.report.documents import compare_document
from paretoprune.report.terminal import out
from paretoprune.report.wording import duration
from paretoprune.runner.events import plural
from paretoprune.study.metric import ACCURACY, short

VERDICTS = ("not dominated", "partly dominated", "dominated")


def show_comparison(comparison: Comparison, picture: Path, *, as_json: bool) -> None:
    """Print a comparison as text or JSON; `picture` is the file of its plot."""
    if as_json:
        document = compare_document(comparison, picture)
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    on = f"{comparison.split} data"
    also = "" if comparison.split == "validation" else f", measured on {on}"
    out.print(f"Fronts (chosen on validation data{also})")
    out.print(fronts_table(comparison))
    for group in comparison.groups:
        out.print(group_line(group))
    if comparison.coverages:
        out.print(f"\nNetworks of one front that another front dominates or equals ({on})")
        out.print(coverage_table(comparison))
    if comparison.variants:
        out.print(f"\nOther methods: mean and standard deviation over seeds ({on})")
        out.print(variants_table(comparison))
    for number, variant in enumerate(comparison.variants, start=1):
        lines = Table.grid(padding=(0, 1))
        for mark, line in zip_longest([str(number)], variant_lines(variant, comparison)):
            lines.add_row(mark, line)
        out.print("", lines, sep="\n")
    if comparison.notes:
        out.print()
    for note in comparison.notes:
        out.print(note)
    out.print(f"Picture: {picture}", soft_wrap=True)


def sentences(comparison: Comparison) -> Iterator[str]:
    """Yield a sentence per variant of one study: its result, and whether the front dominates it."""
    for variant in comparison.variants:
        error, nonzeros = (variant.measures[name] for name in ("val_error", "nonzeros"))
        if error.mean is None:
            yield f"{variant.name}: no run of {variant.runs} learnt anything"
            continue
        right, quality = Spread(1 - error.mean, error.sd, error.n), comparison.quality
        is_share = quality == ACCURACY
        reached = f"{mean(right, '.2f', 100)} %" if is_share else f"{quality} {mean(right, '.4f')}"
        by_loss, by_metric = (pair.dominated for pair in variant.against[0].distances)
        yield (
            f"{variant.name}: {reached} at {mean(nonzeros, ',.0f')} nonzeros; "
            f"the front dominates {by_loss} of {plural(len(variant.seeds), 'seed')} in loss and "
            f"{comparison.complexity}, {by_metric} in {quality} and nonzeros"
        )


def plain_table(heads: Sequence[str], names: int) -> Table:
    """Return a table without lines; its first `names` columns hold names, the others numbers."""
    table = Table(box=None, collapse_padding=True, pad_edge=False)
    for number, head in enumerate(heads):
        if number < names:
            table.add_column(head, overflow="fold")
        else:
            table.add_column(head, justify="right", no_wrap=True)
    return table


def fronts_table(comparison: Comparison) -> Table:
    """Return a table with a line per search: its effort and its results."""
    repeated = any(front.seeds > 1 for front in comparison.fronts)
    failed = any(front.failed for front in comparison.fronts)
    heads = ("study", "runs", "collapsed", *(("failed",) if failed else ()))
    heads += (*(("seeds",) if repeated else ()), "epochs", "time", "on front", "hypervolume")
    table = plain_table(heads, names=1)
    for front in comparison.fronts:
        table.add_row(
            front.study,
            f"{front.runs:,}",
            str(front.collapsed),
            *((str(front.failed),) if failed else ()),
            *((str(front.seeds),) if repeated else ()),
            f"{front.epochs:,}",
            duration(front.seconds),
            str(front.networks),
            f"{front.hypervolume:.3f}",
        )
    return table


def group_line(group: Group) -> str:
    """Describe the means and spreads of studies that differ only in their seed."""
    figures = (
        f"hypervolume {mean(group.hypervolume, '.3f')}",
        f"{mean(group.epochs, ',.0f')} epochs",
        f"{duration(group.seconds.mean or 0)} ± {duration(group.seconds.sd or 0)}",
    )
    names = " and ".join(filter(None, (", ".join(group.studies[:-1]), group.studies[-1])))
    return f"{names}, which differ in their seed only: {', '.join(figures)}"


def coverage_table(comparison: Comparison) -> Table:
    """Return a table with a line per ordered pair of fronts."""
    heads = ("of", "by", f"loss, {comparison.complexity}", f"{comparison.quality}, nonzeros")
    table = plain_table((*heads, "hypervolume", "of both"), names=2)
    for coverage in comparison.coverages:
        table.add_row(
            coverage.front,
            coverage.by,
            *(f"{part.covered} of {part.networks}" for part in coverage.parts),
            f"{coverage.hypervolume:.3f}",
            f"{coverage.hypervolume_together:.3f}",
        )
    return table


def variants_table(comparison: Comparison) -> Table:
    """Return a table with two lines per variant: means, and standard deviations below them."""
    loss = "test_loss" if comparison.split == "test" else "val_loss"
    head, form = short(comparison.quality), ".2%" if comparison.quality == ACCURACY else ".4f"
    columns = {
        loss: (f"{loss[:-5]}. loss".replace("test.", "test"), ".4f", 0),
        "val_error": (f"val. {head}", form, 1),
        "test_error": (f"test {head}", form, 1),
        "nonzeros": ("nonzeros", ",.0f", 0),
        "sparsity": ("sparsity", ".2%", 0),
        "l1": ("l1", ",.1f", 0),
    }
    heads = ("", "seeds", *(head for head, _, _ in columns.values()), "hypervol.")
    table = plain_table(heads, names=1)
    for number, variant in enumerate(comparison.variants, start=1):
        cells = [
            two_lines(variant.measures[column], form, whole)
            for column, (_, form, whole) in columns.items()
        ]
        cells.append(two_lines(variant.hypervolume, ".3f", 0))
        table.add_row(str(number), str(len(variant.seeds)), *cells)
    return table


def two_lines(spread: Spread, form: str, whole: int) -> str:
    """Format a mean above its standard deviation; if `whole` is 1, one minus the mean."""
    if spread.mean is None:
        return "-"
    first = f"{whole - spread.mean if whole else spread.mean:{form}}"
    return first if spread.sd is None else f"{first}\n±{spread.sd:{form}}"


def variant_lines(variant: Variant, comparison: Comparison) -> Iterator[str]:
    """Yield lines about a variant: its name, its lost runs, its comparison with each front."""
    several = len(comparison.studies) > 1
    yield f"{variant.name} ({variant.study})" if several else variant.name
    for word, count in (("collapsed", variant.collapsed), ("failed", variant.failed)):
        if count:
            yield f"{count} of {plural(variant.runs, 'run')} {word}, so not measured"
    for against in variant.against if variant.seeds else ():
        if several:
            yield f"against the front of {against.front}:"
        yield from against_lines(variant, against, comparison)


def against_lines(
    variant: Variant, against: FrontComparison, comparison: Comparison
) -> Iterator[str]:
    """Yield a variant's comparison with one front: distances, hypervolume, effort."""
    loss = Words("loss", comparison.complexity, comparison.complexity, ".4f", ",.1f")
    pairs = (loss, metric_words(comparison.quality))
    for distance, words in zip(against.distances, pairs, strict=True):
        yield f"{words.quality} and {words.size}: {distance_line(distance, words)}"
    alone, both = mean(variant.hypervolume, ".3f"), mean(against.hypervolume_with, ".3f")
    front = f"{against.hypervolume_without:.3f}"
    yield f"hypervolume: {alone} of one run alone, {front} of the front, {both} of both"
    yield cost_line(variant, against, comparison)


@dataclass(frozen=True)
class Words:
    """The words for a metric and a size.

    Attributes:
        quality: Name of the metric.
        size: Name of the size.
        size_of_one: Name of the size of a single network.
        form: Format of the metric.
        size_form: Format of the size.
        better: Word for a better value of the metric.
        worse: Word for a worse value of the metric.
        fewer: Word for a smaller size.
        scale: Factor of the metric in print.
        unit: Unit of the metric.
    """

    quality: str
    size: str
    size_of_one: str
    form: str
    size_form: str
    better: str = "less"
    worse: str = "more"
    fewer: str = "less"
    scale: float = 1  # of the metric
    unit: str = ""


def metric_words(metric: str) -> Words:
    """Return the words for the metric and the nonzeros."""
    is_share = metric == ACCURACY
    return Words(
        *(metric, "nonzeros", "size", ".2f" if is_share else ".4f", ",.0f"),
        better="more",
        worse="less",
        fewer="fewer",
        scale=100 if is_share else 1,
        unit=" points" if is_share else "",
    )


def distance_line(distance: Distance, words: Words) -> str:
    """Describe whether the seeds are dominated, and their distance to the front on each axis."""
    seeds, quality, size = len(distance.each), distance.quality, distance.size
    verdict = VERDICTS[bool(distance.dominated) + (distance.dominated == seeds)]
    if quality.mean is None:
        first = "no network of the front is so small"
    else:
        amount = mean(quality, words.form, words.scale)
        word = words.better if quality.mean >= 0 else words.worse
        first = (
            f"at its {words.size_of_one} the front has {amount}{words.unit} {word} {words.quality}"
        )
    if size.mean is None:
        second = "no network of the front is so good"
    else:
        word = words.fewer if size.mean >= 0 else "more"
        share = "" if distance.share.mean is None else f" ({abs(distance.share.mean):.0%})"
        amount = mean(size, words.size_form)
        second = f"at its {words.quality} the front has {amount} {word} {words.size}{share}"
    first += seeds_note(quality, seeds, "small")
    parts = f"{first}; {second}{seeds_note(size, seeds, 'good')}"
    return f"{verdict} ({distance.dominated} of {plural(seeds, 'seed')}): {parts}"


def seeds_note(spread: Spread, seeds: int, end: str) -> str:
    """Return a note on how many seeds have a distance, empty if all or none of them have one.

    The others lie beyond the end of the front that `end` names (`small` or `good`).
    """
    return f" ({spread.n} of {seeds} seeds; nothing so {end} for the others)" * (
        0 < spread.n < seeds
    )


def mean(spread: Spread, form: str, scale: float = 1) -> str:
    """Format the absolute value of a mean, and its standard deviation if there is one."""
    sd = "" if spread.sd is None else f" ± {scale * spread.sd:{form}}"
    return f"{scale * abs(spread.mean or 0):{form}}{sd}"


def cost_line(variant: Variant, against: FrontComparison, comparison: Comparison) -> str:
    """Describe the effort of one run, and that of the whole search as a multiple of it."""
    front = next(front for front in comparison.fronts if front.study == against.front)
    epochs, seconds = (variant.measures[name].mean or 0 for name in ("epochs", "seconds"))
    seeds = f", with {front.seeds} seeds for each λ," if front.seeds > 1 else ""
    return (
        f"cost: {plural(round(epochs), 'epoch')} and {duration(seconds)} for one run (its share of "
        f"a fleet of {variant.fleet_size}); the front"
        f"{seeds} took {front.epochs:,} epochs ({times(against.epochs_ratio)} as many) and "
        f"{duration(front.seconds)} ({times(against.seconds_ratio)} as long)"
    )


def times(ratio: float | None) -> str:
    """Format a ratio, such as `12 times`."""
    if ratio is None:
        return "? times"
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.2g} times"
