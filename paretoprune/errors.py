"""What a user can be told has gone wrong, and the exit code that says so to a program.

Each message is one sentence that says what, where, and what to change.
"""

MOST_SHOWN = 2_000  # characters of a message


def printable(text: str) -> str:
    """A text on one line, whatever characters it has: none of them reaches a terminal as a command.

    Of a long one the middle is left out.
    """
    if len(text) > MOST_SHOWN:
        text = f"{text[: MOST_SHOWN // 2]} ... {text[-MOST_SHOWN // 2 :]}"
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


class ParetopruneError(Exception):
    """The base of all errors that are the user's or the machine's, not a bug.

    What a message quotes, a name or an entry of a file, may be anybody's: it is made `printable`.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class CouldNotError(ParetopruneError):
    """It could not be done: no space, no network, all runs failed."""


class ClusterError(CouldNotError):
    """The cluster, not a fleet, is what something is wrong with."""


class UsageError(ParetopruneError):
    """Wrong use: a bad option, a missing or foreign folder, differing settings."""

    exit_code = 2


class CorruptStudyError(ParetopruneError):
    """A file of the study cannot be read, or comes from a newer version."""

    exit_code = 4


class BusyStudyError(ParetopruneError):
    """Another process works on the study."""

    exit_code = 5
