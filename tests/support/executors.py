"""Executors that fail, run out of memory, or train fleets in any order."""

import random
from concurrent.futures import Future

from paretoprune.runner.executors.local import LocalExecutor


class OutOfLuck(LocalExecutor):
    """An executor whose fleets fail from the n-th on, as a broken machine's would."""

    def __init__(self, good):
        self.good = good

    def submit(self, fn, /, *args, **kwargs):
        self.good -= 1
        if self.good >= 0:
            return LocalExecutor().submit(fn, *args, **kwargs)
        future = Future()
        future.set_exception(MemoryError("the machine is too small"))
        return future


class Failing(LocalExecutor):
    """An executor whose fleets with some fail, as a user's code or a machine may."""

    def __init__(self, *which):
        self.which, self.count = which, -1

    def submit(self, fn, /, *args, **kwargs):
        self.count += 1
        if self.count not in self.which:
            return LocalExecutor().submit(fn, *args, **kwargs)
        future = Future()
        future.set_exception(RuntimeError("no luck"))
        return future


PLACES = 3


class SideBySide(LocalExecutor):
    """An executor that keeps fleets, and trains some of them when it is waited for, in any order.

    From `land[0]` to `land[1]` of them land together. `fault` may raise in place of a training; it
    is given the number of the fleet and its runs.
    """

    slots = PLACES

    def __init__(self, seed=0, at_once=PLACES, land=(1, 2), fault=lambda number, runs: None):
        self.draw, self.at_once, self.range, self.fault = random.Random(seed), at_once, land, fault
        self.kept, self.number, self.cancelled = {}, 0, []
        self.held = []  # how many fleets there were at each wait

    def submit(self, task, runs, *more):
        future = Future()
        self.kept[future] = (self.number, task, runs, *more)
        self.number += 1
        return future

    def wait(self, futures):
        assert set(self.kept) == set(futures), "it is asked for all that is not done"
        self.held.append(len(futures))
        some = self.draw.sample(futures, min(len(futures), self.draw.randint(*self.range)))
        for future in some:
            number, task, runs, *more = self.kept.pop(future)
            try:
                self.fault(number, runs)
                future.set_result(task(runs, *more))
            except Exception as error:
                future.set_exception(error)
        return set(some)

    def cancel(self, futures):
        self.cancelled += list(futures)


def fault_of(error, *numbers):
    """Raise an error in place of the fleets of these numbers."""

    def fault(number, runs):
        if number in numbers:
            raise error

    return fault
