"""A study on disk: its plan, the table of its points, weights, histories and logs.

This package is the only one that writes to a study. Every file is written under a temporary name,
flushed and renamed, and the table is written last, so a row never names a file that does not exist.
A study may come from an untrusted source: nothing in it is executed, no path leads out of its
folder, and impossible content is rejected with the name of the file.
"""

from paretoprune.study.storage.checkpoints import forget_checkpoints
from paretoprune.study.storage.histories import HISTORY, read_history
from paretoprune.study.storage.lock import locked
from paretoprune.study.storage.paths import PICTURE, PLAN, TABLE, is_study, require_free_folder
from paretoprune.study.storage.settings_file import read_plan, write_plan
from paretoprune.study.storage.table import (
    SCHEMA,
    forget_weights,
    read,
    read_weights,
    record,
    weights_bytes,
    weights_path,
)

__all__ = [
    "HISTORY",
    "PICTURE",
    "PLAN",
    "SCHEMA",
    "TABLE",
    "atomic",
    "checkpoints",
    "forget_checkpoints",
    "forget_weights",
    "is_study",
    "locked",
    "paths",
    "read",
    "read_history",
    "read_plan",
    "read_weights",
    "record",
    "require_free_folder",
    "tensors",
    "weights_bytes",
    "weights_path",
    "write_plan",
]
