"""Device on which networks are trained, and settings of the process that trains them."""

import contextlib
import ctypes
import gc
import sys
from collections.abc import Callable, Iterator

import torch

from paretoprune.errors import UsageError
from paretoprune.study.options import choose
from paretoprune.study.settings import DEVICES

# Options of glibc's malloc.h. By default glibc returns large blocks to the kernel at once, and
# every step of a fleet then waits for the same pages again, zeroed (docs/experiments.md).
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
# Threshold that glibc itself reaches in a program that has freed a large block (mallopt(3)).
LARGEST_USUAL = 2**25
MEMORY_ERRORS = ("out of memory", "can't allocate memory", "ALLOC_FAILED")


def find_device(name: str) -> torch.device:
    """Return the device for `auto`, `cpu` or `cuda`; raise `UsageError` if there is none."""
    choose(name, DEVICES, "--device")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UsageError("--device cuda: torch finds no CUDA device here; use --device cpu")
    return torch.device("cpu" if not available or name == "cpu" else "cuda")


def set_up_process() -> None:
    """Set up a process that does nothing but training, such as a worker.

    cuDNN computes deterministically and in float32, and freed memory is kept for the next step.
    """
    torch.backends.cudnn.deterministic = True  # the same table, bit for bit
    torch.backends.cudnn.allow_tf32 = False  # the laws of fleets hold for float32
    _keep_memory(2**30, 2**31 - 1)


@contextlib.contextmanager
def training_process() -> Iterator[None]:
    """Set up the process for training within the block, and restore its settings afterwards.

    The restored settings are torch's random states and the flags of cuDNN. The thresholds of glibc
    cannot be read, so they are set to the values that glibc itself reaches in a program that frees
    blocks of 32 MiB. Memory that is free at the end is returned to the system.
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
    # An older glibc accepts 32 MiB at most. If no call for blocks succeeded, the one for the total
    # would fix the threshold for blocks at 128 KiB, which is worse than no setting.
    if tune is not None and (
        tune(MMAP_THRESHOLD, largest_block) or tune(MMAP_THRESHOLD, LARGEST_USUAL)
    ):
        tune(TRIM_THRESHOLD, most)


def _of_glibc(name: str) -> Callable[..., int] | None:
    """Return a function of the C library, or `None` if the library lacks it, as musl does."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None


def free_memory() -> None:
    """Free the memory of a training that ended because memory was too small."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_full(error: BaseException) -> bool:
    """Return whether an exception says that memory was too small."""
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or any(words in str(error) for words in MEMORY_ERRORS)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch on all devices within the block, and restore its random states afterwards."""
    with _kept_random_states():
        torch.manual_seed(seed)
        yield


def _kept_random_states() -> contextlib.AbstractContextManager[None]:
    devices = range(torch.cuda.device_count()) if torch.cuda.is_available() else ()
    return torch.random.fork_rng(devices=devices)
