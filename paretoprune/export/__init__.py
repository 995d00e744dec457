"""Export: networks as files that other programs run, and what a network costs in use.

The costs are the bytes of the file and the seconds that an answer takes.
"""

from paretoprune.export.csr import with_csr
from paretoprune.export.formats import FORMATS, file_sizes, write_network
from paretoprune.export.latency import Latency, measure
from paretoprune.export.verify import check_file

__all__ = [
    "FORMATS",
    "Latency",
    "check_file",
    "export",
    "file_sizes",
    "measure",
    "trained_network",
    "with_csr",
    "write_network",
]
