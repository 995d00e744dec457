"""Where are networks trained, and what is set there? Also: what if its memory is full?"""

import ctypes
import gc
import sys

import torch

from paretoprune.errors import UsageError
from paretoprune.study.settings import DEVICES, choose

# Of glibc's malloc.h. By default it gives large blocks back to the kernel at once, and every step
# of a fleet then waits for the same pages to be handed out again, zeroed (docs/experiments.md).
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
FULL = ("out of memory", "can't allocate memory", "ALLOC_FAILED")


def find_device(name: str) -> torch.device:
    """Resolve `auto`, `cpu` or `cuda`, and set it up for training.

    Raises `UsageError` where there is no such device.
    """
    choose(name, DEVICES, "--device")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UsageError("--device cuda: torch finds no CUDA device here; use --device cpu")
    if not available or name == "cpu":
        keep_memory()
        return torch.device("cpu")
    torch.backends.cudnn.deterministic = True  # the same table, bit for bit
    torch.backends.cudnn.allow_tf32 = False  # float32 is what the laws of fleets are stated for
    return torch.device("cuda")


def keep_memory() -> None:
    """Let the process keep the memory that it frees, for its next step; only glibc needs that."""
    tune = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    # musl has none; an older glibc takes 32 MiB at most. Without the first call the second one
    # would fix the threshold of its time, 128 KiB: worse than nothing.
    if tune is not None and (tune(MMAP_THRESHOLD, 2**30) or tune(MMAP_THRESHOLD, 2**25)):
        tune(TRIM_THRESHOLD, 2**31 - 1)


def free_memory() -> None:
    """Give back what a training left that ended for want of memory."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_full(error: BaseException) -> bool:
    """Was memory what an exception is about?"""
    kinds = (MemoryError, torch.OutOfMemoryError)
    return isinstance(error, kinds) or any(words in str(error) for words in FULL)
