"""The columns in docs/table.md, written from their declarations.

`python -m tests.support.table_reference` writes them anew."""

from paretoprune.study.columns import COLUMNS
from tests.support.checkout import ROOT

PAGE = ROOT / "docs" / "table.md"
BEGIN = "<!-- columns: written by `python -m tests.support.table_reference` -->\n"
END = "<!-- end of the columns -->\n"


def with_columns(page: str) -> str:
    """The text of docs/table.md, with a line for each column as it is declared now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = [
        f"| `{name}` | {type_of(column)} | {column.meaning} |\n" for name, column in COLUMNS.items()
    ]
    return "".join(
        [before, BEGIN, "| column | type | meaning |\n|---|---|---|\n", *lines, END, after]
    )


def type_of(column) -> str:
    return f"{column.kind}, {column.unit}" if column.unit else column.kind


if __name__ == "__main__":
    PAGE.write_text(with_columns(PAGE.read_text()))
