"""What a user can be told has gone wrong, and the exit code that says so to a program.

Each message is one sentence that says what, where, and what to change.
"""


class ParetopruneError(Exception):
    """The base of all errors that are the user's or the machine's, not a bug."""

    exit_code = 1


class CouldNotError(ParetopruneError):
    """It could not be done: no space, no network, all runs failed."""


class UsageError(ParetopruneError):
    """Wrong use: a bad option, a missing or foreign folder, differing settings."""

    exit_code = 2


class CorruptStudyError(ParetopruneError):
    """A file of the study cannot be read, or comes from a newer version."""

    exit_code = 4


class BusyStudyError(ParetopruneError):
    """Another process works on the study."""

    exit_code = 5
