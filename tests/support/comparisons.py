"""Studies with SMGD runs beside a front, worked out by hand."""

from dataclasses import replace
from pathlib import Path

from paretoprune.analysis.aggregate import over_seeds
from paretoprune.analysis.comparison.compare import compare
from paretoprune.analysis.snapshot import StudySnapshot, load_study
from paretoprune.study import storage
from paretoprune.training.methods.smgd import NAME as SMGD
from tests.support.studies import PLAN, ROWS, network, study_of
from tests.support.tables import table


def smgd(loss, size, seed, **also):
    """A row of SMGD with `size` nonzeros and a complexity of a tenth of it."""
    given_ = {"role": "comparison", "method": SMGD, "seconds": 5.0, **also}
    return network(None, loss, size, 0, seed=seed, **given_)


def snapshot_of(rows, name="study", **settings):
    points = table(rows)
    plan = replace(PLAN, settings=replace(PLAN.settings, **settings))
    return StudySnapshot(Path(name), plan, points, over_seeds(points))


def only_variant(rows, split="validation"):
    (variant,) = compare([snapshot_of(rows)], split).variants
    return variant


# A front of (loss, complexity): (0.02, 100), (0.022, 44), (0.03, 8), (0.2, 2), (0.9, 0.7)
SEARCHED = [{**row, "seconds": 2.0} for row in ROWS]
SEEDS = [smgd(0.05, 200, 0), smgd(0.07, 300, 1), smgd(0.09, 400, 2)]

FLEETS = [{**row, "fleet_size": 2, "seed": 0} for row in SEARCHED]


def study_with_seed(seed, folder, rows=FLEETS):
    """A second study, which differs in its seed only."""
    snapshot = study_of(rows, folder, courses=[None] * len(rows))
    storage.write_plan(snapshot.folder, replace(PLAN, settings=replace(PLAN.settings, seed=seed)))
    return load_study(snapshot.folder)
