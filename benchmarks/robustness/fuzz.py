"""Look for files that break the readers, guided by what code they reach; no measurement.

    pip install atheris
    python -m benchmarks.robustness.fuzz plan --minutes 15

Targets: `plan` (study.toml), `table` (points.parquet), `rows` (a table of hostile values, which
Parquet itself takes), `history`, `image`. Each input must be read or refused in one sentence; an
input that is not lies under `found/TARGET`, and the search goes on. Its last line says how many
there were. Once mended, an input belongs into `tests/data/corpus/TARGET`, which every run of the
tests reads.
"""

import argparse
import hashlib
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["tomllib", "paretoprune", "PIL"]):
    from tests.support import spoiling

CORPUS = spoiling.STUDY.parent / "corpus"
SLOWEST = 120  # seconds that an input may take, on a busy machine too
LARGEST = 4000  # MB that the process may need: the largest image takes 1,500
ROWS = spoiling.table_of(spoiling.STUDY).to_pylist()

Target = Callable[[Path, bytes], object]


def rows(folder: Path, content: bytes) -> None:
    """The bytes choose which values of the table are others, and what is asked then."""
    source = atheris.FuzzedDataProvider(content)

    def pick(choices: list) -> object:
        return choices[source.ConsumeIntInRange(0, len(choices) - 1)]

    spoilt = ROWS
    for _ in range(source.ConsumeIntInRange(1, 6)):
        spoilt = spoiling.spoil_rows(spoilt, spoiling.SCHEMA, pick)
    spoiling.write_rows(folder, spoilt)
    spoiling.assert_answered_or_refused(folder, [pick(list(spoiling.QUESTIONS))])


TARGETS: dict[str, Target] = {**spoiling.FILES, "rows": rows}


class Search:
    """Tries inputs on a target, and keeps those that break it, one for each place in the code."""

    def __init__(self, name: str, folder: Path) -> None:
        self.target = partial(TARGETS[name], folder)
        self.found = Path("found") / name
        self.places: set[str] = set()

    def __call__(self, content: bytes) -> None:
        try:
            self.target(content)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)[-3:]
            place = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in frames[::-1])
            if place in self.places:
                return
            self.places.add(place)
            self.found.mkdir(parents=True, exist_ok=True)
            (self.found / hashlib.sha256(content).hexdigest()[:12]).write_bytes(content)
            print(f"\nFOUND {type(error).__name__}: {error} ({place})", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--minutes", type=float, default=15)
    options = parser.parse_args()
    warnings.filterwarnings("error", module=r"paretoprune(\..*)?")
    with tempfile.TemporaryDirectory() as place:
        folder, grown = Path(place) / "study", Path(place) / "grown"
        grown.mkdir()
        spoiling.copy_study(folder)
        search = Search(options.target, folder)
        limits = [f"-timeout={SLOWEST}", f"-rss_limit_mb={LARGEST}", "-max_len=20000"]
        limits.append("-len_control=0")  # files are as long as they are from the first one on
        ends = f"-max_total_time={round(60 * options.minutes)}"
        seeds = CORPUS / options.target
        atheris.Setup([sys.argv[0], *limits, ends, str(grown), str(seeds)], search)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
