"""The network named in project.yaml: an exported program, an ONNX file, or a factory and a state dict."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpq_hls.errors import ConfigError, DataError, HpqError
from hpq_hls.frontends import from_exported, from_onnx, from_torch, load_exported
from hpq_hls.graph import Graph, Samples
from hpq_hls.graph.ranking import without_final_ranking
from hpq_hls.importing import brief, foreign_code, importable, imported
from hpq_hls.reading import regular
from hpq_hls.settings.config import ProjectFile
from hpq_hls.workflow.data import Dataset
from hpq_hls.workflow.provenance import foreign, opened

if TYPE_CHECKING:  # torch takes seconds to import
    import torch


def load_model(project: ProjectFile, calibration: Dataset) -> tuple[Graph, bool]:
    """``_loaded``, without its last layer where that is to be left out."""
    graph, known = _loaded(project, calibration)
    return (without_final_ranking(graph) if project.settings.model.drop_final_ranking else graph), known


def _loaded(project: ProjectFile, calibration: Dataset) -> tuple[Graph, bool]:
    """The float network, and whether all files that it comes from are known: the model file, or Python files
    of the project's folder and the weights. A factory that reads other files, or imports from elsewhere than
    that folder and the Python installation, may make another network tomorrow without any sign.

    calibration: its first samples are the example input that a factory's module is traced with.

    Raises:
        ConfigError: the file or the factory does not exist, or the factory fails.
        DataError: the file is not what its name says, or the weights do not fit.
        UnsupportedOperatorError: the network cannot become hardware.
    """
    settings = project.settings.model
    if settings.source is not None:
        path = _existing(project, "source", settings.source)
        name = project.settings.name or path.stem
        with opened() as paths:
            onnx = path.suffix.lower() == ".onnx"
            graph = (
                from_onnx(path, name=name, input_shape=_shape(calibration))
                if onnx
                else from_exported(load_exported(path), name=name)
            )
        return graph, not onnx or not foreign(paths, project.folder, path)
    assert settings.factory is not None
    weights = None if settings.weights is None else _existing(project, "weights", settings.weights)
    name = project.settings.name or settings.factory.partition(":")[0].rpartition(".")[2]
    import torch  # noqa: F401  # its own files are not the factory's

    with importable(project.folder):
        with opened() as paths:
            module = _made(project, settings.factory)
        if weights is not None:
            load_weights(module, weights)
        graph = from_torch(module, _example(module, calibration), name=name)
    package = project.folder / settings.factory.partition(":")[0].partition(".")[0]
    own = package.is_dir() or package.with_suffix(".py").is_file()
    return graph, own and not foreign(paths, project.folder, None)


def _shape(calibration: Dataset) -> tuple[int, ...] | None:
    """Of a sample, for files that leave it open."""
    shape = getattr(calibration.x, "shape", None)
    return None if shape is None else tuple(shape[1:])


def load_weights(module: torch.nn.Module, path: Path) -> None:
    """Load a state dict into a module.

    Raises:
        DataError: the file is no plain state dict (it is never unpickled as objects), or does not fit.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check the file") from error
    except Exception as error:  # torch raises many kinds on a foreign file
        raise DataError(
            f"{path} is no plain state dict and is not unpickled; save it with "
            "torch.save(model.state_dict(), path)"
        ) from error
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        held = ", ".join(map(str, state)) if isinstance(state, Mapping) else type(state).__name__
        raise DataError(
            f"{path} is no plain state dict (it holds {held}); save it with "
            "torch.save(model.state_dict(), path)"
        )
    try:
        module.load_state_dict(dict(state))
    except RuntimeError as error:
        reasons = "; ".join(line.strip().rstrip(".") for line in str(error).splitlines()[1:])
        raise DataError(f"{path} does not fit the network: {reasons}") from error


def _existing(project: ProjectFile, key: str, written: str) -> Path:
    path = project.path(written)
    try:
        return regular(path)
    except OSError as error:
        raise ConfigError(
            f"{project.where('model', key)} names {path}, which is no file that can be read "
            f"({error.strerror}); correct the path"
        ) from error


def _made(project: ProjectFile, factory: str) -> torch.nn.Module:
    import torch

    where = project.where("model", "factory")
    try:
        made = imported(factory)
    except ConfigError as error:
        raise ConfigError(f"{where} {error}") from error
    try:
        with foreign_code():
            module = made()
    except HpqError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{where} names {factory}, which fails with {brief(error)}; it must work without arguments"
        ) from error
    if not isinstance(module, torch.nn.Module):
        raise ConfigError(
            f"{where} names {factory}, which returns a {type(module).__name__}; it must return a "
            "torch.nn.Module"
        )
    return module


def _example(module: torch.nn.Module, calibration: Dataset) -> Any:
    """Example inputs: by name where the module takes several."""
    import torch

    parameters = inspect.signature(module.forward).parameters.values()
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    names = [item.name for item in parameters if item.kind in plain and item.default is item.empty]
    if len(names) < 2 and isinstance(calibration.x, Samples):
        raise DataError(f"{calibration.path} holds no array x, and the network takes one input; save it as x")
    several = len(names) > 1
    given = calibration.named(names) if several else {"x": np.asarray(calibration.x)}
    examples = {name: torch.as_tensor(array[:2].astype("float32")) for name, array in given.items()}
    return examples if several else examples["x"]
