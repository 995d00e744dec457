"""Messages of errors are plain text."""

from paretoprune.errors import CouldNotError, printable


def test_messages_are_printed_as_text():
    assert str(CouldNotError("no \x1b[2J\n")) == r"no \x1b[2J\n"
    assert printable("a" * 5000) == f"{'a' * 1000} ... {'a' * 1000}"
    assert printable(printable("\n")) == printable("\n")
