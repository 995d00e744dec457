"""A sweep gives the host program's random state and flags back."""

import torch

from paretoprune.problem.device import training_process
from paretoprune.runner.sweep import sweep
from tests.support.sweeps import quiet, request


def test_a_host_program_gets_its_random_state_and_flags_back():
    cudnn = torch.backends.cudnn
    state, flags = torch.get_rng_state(), (cudnn.deterministic, cudnn.allow_tf32)
    sweep(request(max_runs=2), quiet)
    assert torch.equal(torch.get_rng_state(), state)
    assert (cudnn.deterministic, cudnn.allow_tf32) == flags
    with training_process():
        assert (cudnn.deterministic, cudnn.allow_tf32) == (True, False)
