"""Trained network of a run: its weights, in the network to which they belong."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import torch
from torch import nn

from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.snapshot import StudySnapshot
from paretoprune.errors import CorruptStudyError, CouldNotError, UsageError
from paretoprune.problem.build import Environment, build_problem
from paretoprune.problem.problem import Problem, fill, misfits
from paretoprune.study.storage.paths import path_in_study
from paretoprune.study.storage.tensors import read_tensors

KNEE = "knee"
# What of a layer says how large its tensors are: the attributes for the first dimension of its
# weight, and for the second.
WIDTHS = (("out_features", "out_channels", "num_features"), ("in_features", "in_channels"))


def chosen_run(snapshot: StudySnapshot, name: str) -> pd.Series:
    """The row of the run that a user names: `knee`, an id, or the beginning of one.

    Raises `UsageError` where there is none, or several.
    """
    if name == KNEE:
        knee = find_knee(snapshot)
        if knee.network is None:
            raise UsageError(
                f"there is no knee ({knee.reason}): name a run by its id, as `show --json` has it"
            )
        name = str(knee.front.at[knee.network, "run_id"])
    points = snapshot.points
    found = points[points["run_id"].str.startswith(name)] if name else points[:0]
    if len(found) == 1:
        return found.iloc[0]
    what = "several runs" if len(found) else "no run"
    raise UsageError(
        f"{snapshot.folder} has {what} called {name or 'nothing'}: give knee, or an id that "
        "`show --all --json` names"
    )


def load_network(
    snapshot: StudySnapshot, run: pd.Series, environment: Environment
) -> tuple[nn.Module, Problem]:
    """A run's network, with its weights and in evaluation mode, and the problem that it solves.

    Raises `CouldNotError` where its weights were not kept.
    """
    if pd.isna(run["weights"]):
        raise CouldNotError(
            f"the weights of run {run['run_id']} were not kept: `sweep {snapshot.folder} "
            "--keep-weights all` keeps those of runs to come"
        )
    settings = replace(snapshot.plan.settings, init="")  # its weights are not the initial ones
    problem = build_problem(settings, environment)
    network = problem.network(int(run["seed"]))
    path = path_in_study(snapshot.folder, *str(run["weights"]).split("/"))
    if not path.is_file():
        raise CouldNotError(f"{path} is missing: restore it, or name another run")
    try:
        fill_checked(network, read_tensors(path))
    except UsageError as error:
        raise CorruptStudyError(
            f"{path} does not hold the weights of {settings.model}: {error}"
        ) from error
    return network.to(problem.device).eval(), problem


def fill_checked(network: nn.Module, arrays: Mapping[str, np.ndarray]) -> None:
    """Copy arrays into a network; raise `UsageError` where names or shapes are not its own."""
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if odd := misfits(network, tensors):
        raise UsageError(odd[0])
    fill(network, tensors)


def resize_to_state(network: nn.Module, arrays: Mapping[str, np.ndarray]) -> nn.Module:
    """Give a network the weights of a compact one, whose layers are smaller; in place.

    Raises `UsageError` where the weights are not those of such a network.
    """
    for name, layer in network.named_modules():
        for local in [*dict(layer.named_parameters(recurse=False)), *layer._buffers, "bias"]:
            array = arrays.get(f"{name}.{local}" if name else local)
            if array is None or not hasattr(layer, local):
                continue
            before, tensor = getattr(layer, local), torch.tensor(array)
            if isinstance(before, nn.Parameter) or local not in layer._buffers:
                setattr(layer, local, nn.Parameter(tensor))
            else:
                setattr(layer, local, tensor)
        weight = getattr(layer, "weight", None)
        if isinstance(weight, torch.Tensor):
            for size, names in zip(weight.shape, WIDTHS, strict=False):
                for attribute in names:
                    if hasattr(layer, attribute):
                        setattr(layer, attribute, size)
    fill_checked(network, arrays)
    return network.eval()
