"""Columns of the table of points, in their order. Each is declared once, here.

The schema of `points.parquet`, its checks, the means over seeds, the axes and bounds of choices,
labels and docs/table.md follow from these declarations. Loads no torch.
"""

from functools import partial

from paretoprune.study.column import LARGEST, MANY, WEIGHTS, Column

# What the columns of a kind have in common.
_of_study = partial(Column, filled_by="study")
_of_run = partial(Column, filled_by="run", is_variant=True)
_of_storage = partial(Column, kind="text", filled_by="storage")
_value = partial(Column, kind="real", checked="done", least=0, most=LARGEST, is_mean=True)
_loss = partial(_value, unit="nats, for cross-entropy")
_error = partial(_value, unit="fraction", most=1)
# No choice depends on it.
_reported = partial(Column, kind="real", is_mean=True, unit="nats, for cross-entropy")
_count = partial(
    Column, kind="whole", unmeasured=0, checked="always", least=0, most=WEIGHTS, unit="weights"
)
# Sizes that older versions did not count.
_size = partial(
    Column, kind="whole", older=None, checked="given", least=0, most=WEIGHTS, is_mean=True
)

_TABLE = (
    _of_run(
        "run_id",
        kind="text",
        is_free=True,
        is_variant=False,
        meaning="hash of what the run trains: equal runs have equal ids",
    ),
    _of_study(
        "round",
        kind="whole",
        checked="always",
        least=0,
        most=MANY,
        meaning="the round that proposed it, counted from 0; with `--async` the request to the "
        "search that proposed it",
    ),
    _of_study(
        "role",
        kind="text",
        words=("search", "comparison", "confirmation", "trunk", "derived"),
        is_variant=True,
        meaning="`search`, `comparison` (of another method), `confirmation`, `trunk` (trained only "
        "so that others can start from it) or `derived`; front and knee read `search` and "
        "`derived`",
    ),
    _of_run(
        "parent",
        kind="text",
        is_variant=False,  # each seed has a parent of its own
        meaning="the run whose weights it started from, if any",
    ),
    _of_run(
        "method",
        kind="text",
        checked="always",
        meaning="how it traded the objectives off: by a fixed λ (`weighted-sum`), or by weights "
        "that follow from the gradients of each step ([smgd.md](smgd.md))",
    ),
    _of_study("search", kind="text", meaning="the search that proposed it; none for `comparison`"),
    _of_run(
        "lam",
        kind="real",
        meaning="λ: the run minimised (1 - λ) · loss + λ · complexity; none if the method has no λ",
    ),
    _of_run(
        "seed",
        kind="whole",
        checked="always",
        least=0,
        most=2**32,
        is_variant=False,
        meaning="seed of the initial weights",
    ),
    _of_run(
        "epochs",
        kind="whole",
        checked="always",
        least=1,
        most=MANY,
        phrase="{} epochs",
        meaning="passes over the training samples",
    ),
    _of_run("batch_size", kind="whole", meaning="samples per step"),
    _of_run(
        "optimizer",
        kind="text",
        checked="always",
        meaning="`adam`, `sgd` or `rmsprop`",
    ),
    _of_run(
        "moments",
        kind="text",
        checked="always",
        phrase="{} moments",
        meaning="`joint`: the optimizer gets the weighted sum of the gradients; `separate` "
        "(`--recipe paper`): it gets each objective's gradient, and the weights apply to its steps",
    ),
    _of_run("learning_rate", kind="real", meaning="at the start of the schedule"),
    _of_run("momentum", kind="real", older=0.0, meaning="momentum of `sgd` and `rmsprop`"),
    _of_run(
        "l2_conv",
        kind="real",
        older=0.0,
        meaning="factor of the convolutions' sum of squares, outside the weighted sum (with "
        "separate moments: in the loss; with `split`: in the second objective of the convolutions)",
    ),
    _of_run(
        "normalize",
        kind="text",
        older="none",
        checked="always",
        phrase="normalized by {}",
        plain="none",
        meaning="what divides each gradient before the method weighs them: `none`, `l2` or `loss`",
    ),
    _of_run(
        "split",
        kind="flag",
        older=False,
        checked="always",
        phrase="split",
        plain=False,
        meaning="whether convolutions have separate objective weights and a separate second "
        "objective",
    ),
    _of_run(
        "schedule",
        kind="text",
        meaning="`cosine` (to 0), `constant` or `logistic` (towards a tenth, around 75 %)",
    ),
    _of_run(
        "threshold",
        kind="real",
        meaning=r"after every step a prunable weight with \|w\| up to this becomes 0",
    ),
    _of_run(
        "warm_up",
        kind="real",
        older=0.0,
        meaning="share of the run over which λ rose evenly from 0 to `lam`",
    ),
    _of_run(
        "complexity_kind",
        kind="text",
        meaning="`l1`, `l1-flops` or `group-l1` ([models.md](models.md#complexity))",
    ),
    Column(
        "status",
        kind="text",
        words=("done", "stopped", "diverged", "failed"),
        meaning="`done`, `stopped`, `diverged` or `failed`",
    ),
    Column(
        "failure",
        kind="text",
        unmeasured="",
        is_free=True,
        checked="always",
        meaning="why a run is not `done`",
    ),
    Column(
        "collapsed",
        kind="flag",
        checked="always",
        meaning="the network is no better than the constant prediction (validation loss above "
        "99 % of that prediction's)",
    ),
    _loss(
        "train_loss",
        meaning="on the training samples: cross-entropy in nats, unless `--loss` says otherwise",
    ),
    _loss(
        "val_loss",
        axis="loss",
        word="loss",
        bound="loss=0.1",
        meaning="on the validation samples; front and knee are chosen by it",
    ),
    _loss("val_loss_se", meaning="standard error of `val_loss` over the validation samples"),
    _error(
        "val_error",
        axis="error",
        word="error",
        meaning="share of validation samples that are classified wrongly; if numbers are "
        "predicted, the loss as a share of the constant prediction's loss, at most 1 (`mse`: "
        "1 - R²)",
    ),
    _reported("test_loss", meaning="on the test samples; reported, never used for a choice"),
    _error("test_error", meaning="on the test samples; reported, never used for a choice"),
    _value("complexity", axis="complexity", meaning="the second objective's value"),
    _value("l1", bound="l1=300", meaning=r"sum of \|w\| over the prunable weights"),
    _count(
        "nonzeros",
        is_mean=True,
        axis="nonzeros",
        label="nonzero prunable weights",
        bound="nonzeros=2000",
        meaning="prunable weights that are not exactly zero",
    ),
    _count("prunable_weights", meaning="number of prunable weights, zeros included"),
    _size("parameters", meaning="all numbers that the network stores: weights and biases"),
    _size(
        "compact_parameters",
        axis="parameters",
        word="parameters",
        label="parameters after compaction",
        dense="parameters",
        bound="parameters=5000",
        meaning="parameters that are left when dead neurons and filters are removed "
        "([export.md](export.md))",
    ),
    _size(
        "neurons",
        axis="neurons",
        label="neurons and filters left",
        bound="neurons=100",
        meaning="neurons of dense layers and filters of convolutions that are left then",
    ),
    _size(
        "dense_flops",
        meaning="FLOPs of one sample: two for each multiplication with its addition (MAC), zeros "
        "included",
    ),
    _size(
        "flops",
        axis="flops",
        word="FLOPs",
        label="effective FLOPs of one sample",
        dense="dense_flops",
        bound="flops=1e5",
        meaning="effective FLOPs: without those of weights that are exactly zero",
    ),
    _size("compact_flops", meaning="dense FLOPs of the network without dead neurons and filters"),
    _error("sparsity", meaning="1 - nonzeros / prunable_weights"),
    Column(
        "layers",
        kind="layers",
        checked="done",
        meaning="for each prunable tensor: name, shape, nonzeros, l1",
    ),
    Column(
        "seconds",
        kind="real",
        unit="s",
        checked="given",
        least=0,
        most=LARGEST,
        is_mean=True,
        meaning="the fleet's wall time divided by its size, so that seconds add up",
    ),
    Column(
        "fleet_size",
        kind="whole",
        unmeasured=1,
        checked="always",
        least=1,
        most=MANY,
        meaning="networks that were trained together",
    ),
    Column("device", kind="text", unmeasured="", checked="always", meaning="`cpu` or `cuda`"),
    Column(
        "started_at",
        kind="text",
        unmeasured="",
        meaning="time at which the fleet began (UTC)",
    ),
    _of_storage(
        "weights",
        is_free=True,
        meaning="file with all parameters and buffers of the network, relative to the study; none "
        "where `--keep-weights` deleted it",
    ),
    _of_storage("log", is_free=True, meaning="file with the traceback of a failed run"),
    _of_storage("paretoprune_version", meaning="version of paretoprune that trained it"),
    _of_study("torch_version", kind="text", meaning="version of torch that trained it"),
)

COLUMNS: dict[str, Column] = {column.name: column for column in _TABLE}


def quality_axes() -> dict[str, str]:
    """Return the columns of losses and errors that can be an axis, by their names on `--axes`."""
    return {c.axis: c.name for c in COLUMNS.values() if c.axis and c.is_quality}


def size_axes() -> dict[str, str]:
    """Return the columns of sizes that can be an axis, by their names on `--axes`."""
    qualities = quality_axes()
    return {c.axis: c.name for c in COLUMNS.values() if c.axis and c.axis not in qualities}
