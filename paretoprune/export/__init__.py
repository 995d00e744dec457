"""Networks as files that others run, and what a network costs in use: its bytes, its seconds."""

from paretoprune.export.csr import with_csr
from paretoprune.export.formats import FORMATS, file_sizes, write_network
from paretoprune.export.latency import Latency, measure
from paretoprune.export.verify import check_file

__all__ = ["FORMATS", "Latency", "check_file", "file_sizes", "measure", "with_csr", "write_network"]
