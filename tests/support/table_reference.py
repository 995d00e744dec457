"""The columns in docs/table.md, written from their declarations.

`python -m tests.support.table_reference` writes them anew."""

from paretoprune.study.columns import COLUMNS
from paretoprune.training.methods import METHODS, columns_of
from tests.support.checkout import ROOT

PAGE = ROOT / "docs" / "table.md"
BEGIN = "<!-- columns: written by `python -m tests.support.table_reference` -->\n"
END = "<!-- end of the columns -->\n"


def with_columns(page: str) -> str:
    """The text of docs/table.md, with a line for each column as it is declared now."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    methods = [*(("", column) for column in COLUMNS.values()), *of_methods()]
    lines = [
        f"| `{column.name}` | {type_of(column)} | {label}{column.meaning} |\n"
        for label, column in methods
    ]
    head = "| column | type | meaning |\n|---|---|---|\n"
    return "".join([before, BEGIN, head, *lines, END, after])


def of_methods():
    """The columns that methods add, each with the methods that add it."""
    found = {}
    for name, method in METHODS.items():
        for column in columns_of(method):
            found.setdefault(column.name, (column, []))[1].append(name)
    for column, names in found.values():
        yield f"with {', '.join(f'`{name}`' for name in names)}: ", column


def type_of(column) -> str:
    return f"{column.kind}, {column.unit}" if column.unit else column.kind


if __name__ == "__main__":
    PAGE.write_text(with_columns(PAGE.read_text()))
