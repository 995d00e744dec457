"""Python interface: what the command line does, with objects."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import fields
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
from paretoprune.runner.executors import LOCAL
from paretoprune.runner.executors.ray import RayConfig, ray_config_of
from paretoprune.runner.request import SweepRequest
from paretoprune.study.settings import Budget, Settings, data_folder
from paretoprune.study.storage.tensors import read_tensors
from paretoprune.study.user_code import IN_MEMORY
from paretoprune.study.validation import choose

if TYPE_CHECKING:
    from paretoprune.report.plots import Figure

PYTHONS = {"lr": "learning_rate", "round": "round_size"}  # where the command line's name differs


class Study:
    """A study on disk, and what is in it; it is read anew each time, so it is never out of date.

    `model`, `data` and `loss` are those of `sweep` where they were no names.
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
        """The study as it stands."""
        return load_study(self.folder)

    @property
    def points(self) -> pd.DataFrame:
        """A row for each run, with the columns of docs/table.md."""
        return self.snapshot.points

    def front(self) -> pd.DataFrame:
        """The nondominated networks, from the least validation loss to the smallest."""
        return self.snapshot.front

    def knee(
        self, rule: str | None = None, *, axes: str | None = None, scale: str | None = None
    ) -> pd.Series | None:
        """The row of the knee, `None` where the front has none; arguments as `knee --rule`."""
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
        """Draw the study, into a file if there is a `path`; a notebook shows what is returned."""
        from paretoprune.report.plots import draw_figure, draw_studies

        if path is not None:
            draw_studies([self.snapshot], Path(path), split, kind, axes)
        return draw_figure([self.snapshot], split, kind, axes)

    def load(self, run_id: str = KNEE) -> nn.Module:
        """A run's network with its weights, in evaluation mode: any `nn.Module`, on the CPU.

        `run_id` is `knee`, an id or the beginning of one. It sees inputs as the study's networks
        did (docs/data.md).
        """
        snapshot = self.snapshot
        network, _ = load_network(snapshot, chosen_run(snapshot, run_id), self._environment)
        return network.cpu()

    def export(self, path: str | Path, run_id: str = KNEE, *, is_compact: bool = False) -> Exported:
        """Write a run's network to a .safetensors, .pt2 or .onnx file, as `export` does."""
        return export(self.snapshot, run_id, Path(path), self._environment, is_compact=is_compact)


def sweep(
    *,
    model: str | Callable[..., nn.Module] | None = None,
    data: Any = None,
    out: str | Path | None = None,
    loss: str | Callable[..., Any] | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
    time_budget: float | None = None,
    fail_fast: bool = False,
    retry_failed: bool = False,
    progress: bool = True,
    executor: str = LOCAL,
    asynchronous: bool = False,
    **options: Any,
) -> Study:
    """Approximate a front, as `paretoprune sweep` does, and return the study.

    `model`, `data` and `loss` are names as on the command line, or the functions themselves; `data`
    may also be what such a function returns. `out` is the study's folder; the same call continues
    it. `time_budget` is in seconds. Further options are those of the command line, with
    underscores; `asynchronous` is `--async`. torch's random state and cuDNN
    flags stay as they were (glibc's memory: decision 0012). Raises `UsageError` for wrong options,
    `CouldNotError` where nothing could be trained.
    """
    from paretoprune.report.terminal.live_view import SweepView
    from paretoprune.runner.sweep import sweep as run_sweep

    named = {"model": model, "dataset": data, "loss": loss}
    names = {name: _name_of(own, name) for name, own in named.items() if own is not None}
    given = names | _known(options)
    ray = ray_config_of(executor, _of(RayConfig, given), device)
    objects = {
        name: _unnamed(own) for name, own in (("model", model), ("data", data), ("loss", loss))
    }
    request = SweepRequest(
        folder=None if out is None else Path(out),
        settings=_of(Settings, given),
        budget=_of(Budget, given),
        time_budget=time_budget,
        is_fail_fast=fail_fast,
        is_retry=retry_failed,
        is_async=asynchronous,
        environment=Environment(device=device, data_dir=data_folder(data_dir), **objects),
        executor=executor,
        ray=ray,
    )
    with SweepView() if progress else nullcontext(_silent) as watch:
        summary = run_sweep(request, watch)
    return Study(summary.folder, device=device, data_dir=data_dir, **objects)


def _silent(event: Event) -> None:
    """Show nothing."""


def _unnamed(own: Any) -> Any:
    """An object that stands for itself; none where it is a name."""
    return None if isinstance(own, str) else own


def load_compact(path: str | Path, network: nn.Module) -> nn.Module:
    """Give a network the weights of a compact .safetensors file, whose layers are smaller.

    `network` is what the study's model function returns; it is altered and returned, in evaluation
    mode. Raises `UsageError` where the file holds another network's weights.
    """
    return resize_to_state(network, read_tensors(Path(path)))


def _name_of(own: Any, what: str) -> str:
    """What the study calls an object: where it can be found again, if anywhere."""
    if isinstance(own, str):
        return own
    if what != "dataset" and not callable(own):
        raise UsageError(f"{what} is a {type(own).__name__}: give a name or a function")
    name = getattr(own, "__qualname__", what)
    return (
        f"{getattr(own, '__module__', IN_MEMORY)}:{name}"
        if callable(own)
        else f"{IN_MEMORY}:{what}"
    )


def _known(options: dict[str, Any]) -> dict[str, Any]:
    """Options by the names of their fields; raise `UsageError` for one that is unknown."""
    known = [field.name for kind in (Settings, Budget, RayConfig) for field in fields(kind)]
    for name in options:
        choose(PYTHONS.get(name, name), known, "option")
    return {PYTHONS.get(name, name): value for name, value in options.items()}


def _of(kind: type, given: dict[str, Any]) -> dict[str, Any]:
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in given.items() if name in names}
