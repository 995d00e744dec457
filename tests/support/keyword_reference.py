"""The types of the keyword arguments of `paretoprune.sweep`, for editors and type checkers.

`python -m tests.support.keyword_reference` writes paretoprune/_sweep_options.py anew."""

import textwrap

from paretoprune.runner.keywords import keywords, kinds_of
from tests.support.checkout import ROOT

MODULE = ROOT / "paretoprune" / "_sweep_options.py"
HEAD = '''"""Types of the options of `paretoprune.sweep`, for editors and type checkers.

Written by `python -m tests.support.keyword_reference` from the declarations of the options.
"""

from pathlib import Path
from typing import TypedDict


class SweepOptions(TypedDict, total=False):
    """Options of `paretoprune.sweep`; one that is left out takes the study's value or default."""
'''


def written() -> str:
    """The text of the module, from the declarations of options."""
    lines = [HEAD]
    for each in keywords():
        doc = textwrap.fill(f'"""{each.help}"""', 96, break_on_hyphens=False)
        kinds = " | ".join(kind.__name__ for kind in kinds_of(each))
        lines += [f"    {each.keyword}: {kinds} | None", textwrap.indent(doc, "    ")]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    MODULE.write_text(written())
