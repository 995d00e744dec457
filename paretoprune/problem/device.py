"""The device where networks are trained, and the settings of the process that training wants."""

import contextlib
import ctypes
import gc
import sys
from collections.abc import Callable, Iterator

import torch

from paretoprune.errors import UsageError
from paretoprune.study.settings import DEVICES
from paretoprune.study.validation import choose

# Options of glibc's malloc.h. By default it gives large blocks back to the kernel at once, and
# every step of a fleet then waits for the same pages again, zeroed (docs/experiments.md).
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
# What glibc itself arrives at in a program that has freed a large block (mallopt(3)).
LARGEST_USUAL = 2**25
MEMORY_ERRORS = ("out of memory", "can't allocate memory", "ALLOC_FAILED")


def find_device(name: str) -> torch.device:
    """Resolve `auto`, `cpu` or `cuda`.

    Raises `UsageError` where there is no such device.
    """
    choose(name, DEVICES, "--device")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UsageError("--device cuda: torch finds no CUDA device here; use --device cpu")
    return torch.device("cpu" if not available or name == "cpu" else "cuda")


def set_up_process() -> None:
    """Set what training wants of a process that does nothing else, such as a worker.

    cuDNN computes deterministically and in float32, and freed memory is kept for the next step.
    """
    torch.backends.cudnn.deterministic = True  # the same table, bit for bit
    torch.backends.cudnn.allow_tf32 = False  # float32 is what the laws of fleets are stated for
    _keep_memory(2**30, 2**31 - 1)


@contextlib.contextmanager
def training_process() -> Iterator[None]:
    """Set up the process for a while; a host program then gets its settings back.

    These are torch's random states and cuDNN flags.

    glibc does not tell its thresholds, so these are set to the values at which it arrives by itself
    in a program that frees blocks of 32 MiB; memory that is free by then is given back.
    """
    cudnn = torch.backends.cudnn
    flags = cudnn.deterministic, cudnn.allow_tf32
    set_up_process()
    try:
        with _kept_random_states():
            yield
    finally:
        cudnn.deterministic, cudnn.allow_tf32 = flags
        _keep_memory(LARGEST_USUAL, 2 * LARGEST_USUAL)
        if trim := _of_glibc("malloc_trim"):
            trim(0)


def _keep_memory(largest_block: int, most: int) -> None:
    """Let the process keep freed blocks up to a size, and free memory up to a total, in bytes."""
    tune = _of_glibc("mallopt")
    # An older glibc takes 32 MiB at most. Without the first call the second one would fix the
    # threshold of its time, 128 KiB: worse than nothing.
    if tune is not None and (
        tune(MMAP_THRESHOLD, largest_block) or tune(MMAP_THRESHOLD, LARGEST_USUAL)
    ):
        tune(TRIM_THRESHOLD, most)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """Return a function of the C library; `None` where it has none, as musl."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def free_memory() -> None:
    """Give back what a training left that ended for want of memory."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_full(error: BaseException) -> bool:
    """Return whether an exception says that memory was too small."""
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or any(words in str(error) for words in MEMORY_ERRORS)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch on all devices for a while; its random states are then as they were."""
    with _kept_random_states():
        torch.manual_seed(seed)
        yield


def _kept_random_states() -> contextlib.AbstractContextManager[None]:
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    return torch.random.fork_rng(devices=devices)
