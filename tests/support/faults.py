"""Disks that fail: no room, no right to rename, files that may not grow."""

import contextlib
import os
from functools import partial

import pytest

from paretoprune.study.storage import atomic as files

posix = pytest.mark.skipif(os.name != "posix", reason="limits and rights of POSIX")


def fail(number, *ignored):
    raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def failing_flush(number, of):
    """A disk on which names or contents (`of` says of which path) do not arrive."""
    real = files.flush

    def broken(path, flags):
        return fail(number) if of(path) else real(path, flags)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "flush", broken)
        yield


@contextlib.contextmanager
def failing_rename(number):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pathlib.Path.replace", partial(fail, number))
        yield


@contextlib.contextmanager
def small_files(size):
    """What the system writes of a file ends after `size` bytes: really, for every library."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
