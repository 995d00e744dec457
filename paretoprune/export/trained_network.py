"""Trained network of a run: the network of the study, with the weights of the run."""

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
# Attributes of a layer that hold the size of the first and of the second dimension of its weight.
WIDTHS = (("out_features", "out_channels", "num_features"), ("in_features", "in_channels"))


def chosen_run(snapshot: StudySnapshot, name: str) -> pd.Series:
    """Return the row of the run that a user names.

    Args:
        snapshot: The study.
        name: `knee`, the id of a run, or the beginning of an id.

    Raises:
        UsageError: If there is no such run, or more than one.
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
    count = "several runs" if len(found) else "no run"
    raise UsageError(
        f"{snapshot.folder} has {count} called {name or 'nothing'}: give knee, or an id that "
        "`show --all --json` names"
    )


def load_network(
    snapshot: StudySnapshot, run: pd.Series, environment: Environment
) -> tuple[nn.Module, Problem]:
    """Load the trained network of a run.

    Args:
        snapshot: The study.
        run: The row of the run.
        environment: What the machine or the program adds to the settings of the study.

    Returns:
        The network in evaluation mode, on the problem's device, and the problem.

    Raises:
        CouldNotError: If the weights were not kept, or if their file is missing.
        CorruptStudyError: If the file holds other weights.
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
    """Copy arrays into a network; raise `UsageError` if their names or shapes do not fit."""
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    if differences := misfits(network, tensors):
        raise UsageError(differences[0])
    fill(network, tensors)


def resize_to_state(network: nn.Module, arrays: Mapping[str, np.ndarray]) -> nn.Module:
    """Shrink the layers of a network to the weights of its compact form, in place.

    Args:
        network: The network before compaction.
        arrays: Parameters and buffers of the compact network, by name.

    Returns:
        The same network, with these weights and in evaluation mode.

    Raises:
        UsageError: If the arrays do not belong to a compact form of the network.
    """
    for name, layer in network.named_modules():
        for local in [*dict(layer.named_parameters(recurse=False)), *layer._buffers, "bias"]:
            array = arrays.get(f"{name}.{local}" if name else local)
            if array is None or not hasattr(layer, local):
                continue
            old, tensor = getattr(layer, local), torch.tensor(array)
            if isinstance(old, nn.Parameter) or local not in layer._buffers:
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
