"""Python interface: the functions of the command line, for models and data in memory."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from torch import nn

from paretoprune.analysis.choice import find_knee
from paretoprune.analysis.snapshot import StudySnapshot, load_study
from paretoprune.errors import UsageError
from paretoprune.export.export import Exported, export
from paretoprune.export.trained_network import KNEE, chosen_run, load_network, resize_to_state
from paretoprune.problem.build import Environment
from paretoprune.runner.events import Event
from paretoprune.runner.executors.ray import RayConfig, ray_config_of
from paretoprune.runner.keywords import list_options, of_kind, read_options
from paretoprune.runner.place import Place
from paretoprune.study.plan import Budget
from paretoprune.study.settings import Settings, data_folder
from paretoprune.study.storage.tensors import read_tensors
from paretoprune.study.user_code import IN_MEMORY

if TYPE_CHECKING:
    from typing import Unpack

    from paretoprune._sweep_options import SweepOptions
    from paretoprune.report.plots import Figure


class Study:
    """A study on disk. Its folder is read at each access, so the values are never out of date.

    Args:
        folder: The folder of the study.
        model: The function that was given to `sweep`, unless the model was given by name.
        data: The data that were given to `sweep`, or the function that returns them, unless the
            data were given by name.
        loss: The function that was given to `sweep`, unless the loss was given by name.
        data_dir: The folder where data sets are found, or downloaded to; `None` for the default.
        device: The device on which networks run, `auto`, `cpu` or `cuda`.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        model: Callable[..., nn.Module] | None = None,
        data: Any = None,
        loss: Callable[..., Any] | None = None,
        data_dir: str | Path | None = None,
        device: str = "auto",
    ) -> None:
        self.folder = Path(folder)
        self._environment = Environment(
            data_dir=data_folder(data_dir), device=device, model=model, data=data, loss=loss
        )

    def __repr__(self) -> str:
        points = self.points
        return f"Study({str(self.folder)!r}): {len(points)} runs, {len(self.front())} on the front"

    @property
    def snapshot(self) -> StudySnapshot:
        """The current content of the study."""
        return load_study(self.folder)

    @property
    def points(self) -> pd.DataFrame:
        """The table of points: a row per run, with the columns of docs/table.md."""
        return self.snapshot.points

    def front(self) -> pd.DataFrame:
        """Return the nondominated networks, from the lowest validation loss to the smallest."""
        return self.snapshot.front

    def knee(
        self, rule: str | None = None, *, axes: str | None = None, scale: str | None = None
    ) -> pd.Series | None:
        """Return the row of the knee, or `None` if the front has none.

        Args:
            rule: The knee rule, as `--rule`; `None` for the default.
            axes: The axes, such as `error,flops`, as `--axes`; `None` for the rule's default.
            scale: `log` or `linear`, the scale of the axes; `None` for the rule's default.

        Raises:
            UsageError: If the rule is unknown, the axes or the scale do not fit it, or an older
                version did not measure the axes.
        """
        given = () if rule is None else (rule,)
        choice = find_knee(self.snapshot, *given, axes=axes, scale=scale)
        return None if choice.network is None else choice.row(choice.network)

    def plot(
        self,
        path: str | Path | None = None,
        *,
        kind: str = "front",
        split: str = "validation",
        axes: str = "error,nonzeros",
    ) -> "Figure":
        """Draw the study, and return the figure, which a notebook displays.

        Args:
            path: The file to write, ending in .png, .svg or .pdf; `None` for no file.
            kind: `front`, `layers` or `history`.
            split: `validation` or `test`, the data of the values.
            axes: The axes of the right panel of a front, as `plot --axes`.
        """
        from paretoprune.report.plots import draw_figure, draw_studies

        if path is not None:
            draw_studies([self.snapshot], Path(path), split, kind, axes)
        return draw_figure([self.snapshot], split, kind, axes)

    def load(self, run_id: str = KNEE) -> nn.Module:
        """Return the network of a run with its weights, in evaluation mode and on the CPU.

        The network expects the same normalization of inputs as in the study (docs/data.md).

        Args:
            run_id: `knee`, the id of a run, or the beginning of an id.

        Raises:
            UsageError: If there is no such run, or more than one.
            CouldNotError: If the weights of the run were not kept.
        """
        snapshot = self.snapshot
        network, _ = load_network(snapshot, chosen_run(snapshot, run_id), self._environment)
        return network.cpu()

    def export(self, path: str | Path, run_id: str = KNEE, *, is_compact: bool = False) -> Exported:
        """Write the network of a run to a file, as `paretoprune export` does.

        Args:
            path: The file; its ending .safetensors, .pt2 or .onnx selects the format.
            run_id: `knee`, the id of a run, or the beginning of an id.
            is_compact: Whether dead neurons and filters are removed.

        Raises:
            UsageError: If the ending is unknown, or there is no such run or more than one.
            CouldNotError: If the weights were not kept, or the format cannot hold the network.
        """
        return export(self.snapshot, run_id, Path(path), self._environment, is_compact=is_compact)


def sweep(
    *,
    model: str | Callable[..., nn.Module] | None = None,
    data: Any = None,
    loss: str | Callable[..., Any] | None = None,
    out: str | Path | None = None,
    progress: bool = True,
    **options: "Unpack[SweepOptions]",
) -> Study:
    """Approximate a front, as `paretoprune sweep` does, and return the study.

    The same call continues the study. torch's random state and cuDNN flags are restored at the end
    (for glibc's memory see decision 0012).

    Args:
        model: the name of a model, or a function that returns one.
        data: the name of a data set, the data, or a function that returns them (docs/own.md).
        loss: the name of a loss, or a function.
        out: the folder of the study; `None` for one named after the data set and the model.
        progress: whether the terminal shows the progress.
        options: the options of the command line, with underscores, as listed below.

    Raises:
        UsageError: if options are wrong or contradict the study.
        CouldNotError: if no run could be trained.
    """
    from paretoprune.report.terminal.live_view import SweepView
    from paretoprune.runner.request import request_of
    from paretoprune.runner.sweep import sweep as run_sweep

    arguments = {"model": model, "dataset": data, "loss": loss}
    named = {name: _name_of(arg, name) for name, arg in arguments.items() if arg is not None}
    given = read_options(named, dict(options))
    place = Place(**of_kind(Place, given))
    ray = ray_config_of(place.executor, of_kind(RayConfig, given), place.device)
    objects = {"model": _object(model), "data": _object(data), "loss": _object(loss)}
    if not isinstance(out, (str, os.PathLike, type(None))):
        raise UsageError(f"out is {out!r}: it must be a path")
    folder = None if out is None else Path(out)
    settings, budget = of_kind(Settings, given), of_kind(Budget, given)
    request = request_of(folder, settings, budget, place, ray, **objects)
    with SweepView() if progress else nullcontext(_silent) as watch:
        summary = run_sweep(request, watch)
    return Study(summary.folder, device=place.device, data_dir=place.data_dir, **objects)


list_options(sweep)


def _silent(event: Event) -> None:
    """Ignore an event."""


def _object(argument: Any) -> Any:
    """Return an argument that is an object, or `None` if it is a name."""
    return None if isinstance(argument, str) else argument


def load_compact(path: str | Path, network: nn.Module) -> nn.Module:
    """Load the weights of a compact .safetensors file into a network, whose layers shrink to fit.

    Args:
        path: The file, written with `is_compact` or `--compact`.
        network: A network as the study's model function returns it; it is changed in place.

    Returns:
        The same network, in evaluation mode.

    Raises:
        UsageError: If the weights are those of another network.
    """
    return resize_to_state(network, read_tensors(Path(path)))


def _name_of(argument: Any, field: str) -> str:
    """Return the name that the study stores for an argument: for a function, `module:function`."""
    if isinstance(argument, str):
        return argument
    if field != "dataset" and not callable(argument):
        raise UsageError(f"{field} is a {type(argument).__name__}: give a name or a function")
    name = getattr(argument, "__qualname__", field)
    return (
        f"{getattr(argument, '__module__', IN_MEMORY)}:{name}"
        if callable(argument)
        else f"{IN_MEMORY}:{field}"
    )
