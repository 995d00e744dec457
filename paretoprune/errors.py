"""Errors that are reported to the user, each with the exit code of the command that raises it.

Each message is one sentence that says what went wrong, where, and what to change.
"""

MOST_SHOWN = 2_000  # largest number of characters of a message that is printed in full


def printable(text: str) -> str:
    """Return a text as one printable line.

    Characters that are not printable are escaped, so that a terminal never interprets one of them
    as a command. The middle of a text with more than `MOST_SHOWN` characters is left out.
    """
    if len(text) > MOST_SHOWN:
        text = f"{text[: MOST_SHOWN // 2]} ... {text[-MOST_SHOWN // 2 :]}"
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


class ParetopruneError(Exception):
    """Base class of all errors whose cause is the user's input or the machine, not a bug.

    A message may quote a name or the content of a file that comes from an untrusted source.
    Therefore each message is passed through `printable`.

    Attributes:
        exit_code: Exit code of a command that ends with this error.
    """

    exit_code = 1

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class CouldNotError(ParetopruneError):
    """A command could not be carried out: no disk space, no network, or all runs failed."""


class ClusterError(CouldNotError):
    """A failure of the cluster, as opposed to a failure of the fleet that runs on it."""


class UsageError(ParetopruneError):
    """Wrong use: a bad option, a folder that is not a study, or settings that differ from it."""

    exit_code = 2


class CorruptStudyError(ParetopruneError):
    """A file of the study cannot be read, or was written by a newer version."""

    exit_code = 4


class BusyStudyError(ParetopruneError):
    """The study is locked, because another process is working on it."""

    exit_code = 5
