"""Ids of runs."""

import json

from paretoprune.study.run import Run


def test_ids_of_old_runs_never_change():
    one = Run(
        method="weighted-sum",
        lam=0.000135937,
        seed=0,
        epochs=10,
        batch_size=64,
        optimizer="adam",
        learning_rate=0.01,
        schedule="cosine",
        threshold=0.001,
        complexity_kind="l1",
    )
    assert one.id == "11da814d06e3"
    assert Run(**json.loads(json.dumps({**vars(one), "seed": 1}))).id != one.id
