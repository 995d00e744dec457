"""A study on disk: its plan, the table of its points, weights, histories and logs.

The only writer. Every file is written aside, flushed and renamed, and the table comes last, so a
row never names a file that is not there. What is read may come from a stranger: nothing in it is
run, no path leads out of the study, and what cannot be is refused with its name.
"""

from paretoprune.study.storage.checkpoints import forget_checkpoints
from paretoprune.study.storage.histories import HISTORY, read_history
from paretoprune.study.storage.lock import locked
from paretoprune.study.storage.paths import PICTURE, PLAN, TABLE, check_place, is_study
from paretoprune.study.storage.settings_file import read_plan, write_plan
from paretoprune.study.storage.table import SCHEMA, forget_weights, read, record, weights_bytes

__all__ = [
    "HISTORY",
    "PICTURE",
    "PLAN",
    "SCHEMA",
    "TABLE",
    "check_place",
    "forget_checkpoints",
    "forget_weights",
    "is_study",
    "locked",
    "read",
    "read_history",
    "read_plan",
    "record",
    "weights_bytes",
    "write_plan",
]
