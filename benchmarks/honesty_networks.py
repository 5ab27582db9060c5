"""Networks whose samples are drawn by a seed: calibration, validation, and data that no search has seen.

Training never saw what validation and unseen samples are drawn from. Those of ``BARS`` are what the
project's bars are about; those of ``FRESH`` are for final figures and are not looked at while searches are
built.

network         trained on                      calibration           validation   unseen
--------------  ------------------------------  --------------------  -----------  ------
lenet           MNIST's training images         500 of those          2,000        8,000: the test images
digits          1,077 of scikit-learn's digits  256 of those          360          360: the rest
dscnn           Speech Commands (MLPerf Tiny)   200 of validation     500          500: all of the file's
resnet8         CIFAR-10 (MLPerf Tiny)          200 training images   500          500: the test images
jets            5,000 synthetic ones            500 of those          800          8,000: drawn alike
mnist_mlp       MNIST's training images         500 of those          1,000        8,000: the test images
half_cifar      2,500 of the file's 4,000       250 of those          1,000        1,500: the rest

The keyword file has no training split, so a part of the validation inputs calibrates, without their labels;
the unseen half stays unseen.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import search_networks
import torch
from search_networks import Recipe, Samples, pixels, train_module, trained
from sim_networks import FloatArray, Mlp
from sklearn.datasets import make_classification
from torch import nn

import hpq_hls as hpq

SEED = 0
"""Of training; the seed of a draw is another one."""
JETS_TRAINED = 5_000
CIFAR_TRAINED = 2_500
JETS = Recipe(epochs=30, rate=0.004, decay=0.01)
MNIST_MLP = Recipe(epochs=4, rate=0.004)
HALF_CIFAR = Recipe(epochs=40, rate=0.008, decay=0.02, smoothing=0.05, augment=True)


@dataclass(frozen=True)
class Data:
    """Where the data lies; None where it was not given.

    mnist, cifar, kws: .npz files. models: the folder of the MLPerf Tiny networks (mlperf_tiny_torch.py and
    its weights). cache: folder of weights trained here.
    """

    cache: Path
    mnist: Path | None = None
    cifar: Path | None = None
    kws: Path | None = None
    models: Path | None = None


@dataclass(frozen=True, eq=False)
class Draw:
    """What one seed drew.

    calibration: inputs. validation: for the search. unseen: has nothing in common with either.
    """

    calibration: FloatArray
    validation: Samples
    unseen: Samples


@dataclass(frozen=True, eq=False)
class Source:
    """A trained network and the samples that draws are made of.

    held_out: what training did not see. calibration: inputs to draw ``calibrating`` of; None: the first of
    the validation inputs. validation, unseen: how many samples of ``held_out`` a draw takes for each.
    """

    title: str
    module: nn.Module
    held_out: Samples
    calibration: FloatArray | None
    calibrating: int
    validation: int
    unseen: int

    def graph(self) -> hpq.Graph:
        """The float network."""
        return hpq.from_torch(self.module.eval(), torch.zeros(2, *self.held_out.x.shape[1:]))

    def draw(self, seed: int) -> Draw:
        """Samples by a seed."""
        chooser = np.random.default_rng(seed)
        order = chooser.permutation(len(self.held_out.x))
        validation = self._samples(order[: self.validation])
        unseen = self._samples(order[self.validation : self.validation + self.unseen])
        if self.calibration is None:
            return Draw(validation.x[: self.calibrating], validation, unseen)
        chosen = chooser.choice(len(self.calibration), self.calibrating, replace=False)
        return Draw(self.calibration[chosen], validation, unseen)

    def _samples(self, rows: Any) -> Samples:
        return Samples(np.ascontiguousarray(self.held_out.x[rows]), self.held_out.y[rows])


def digits(data: Data) -> Source:
    """The demo's network."""
    found = search_networks.digits_problem(data.cache)
    held_out = Samples(
        np.concatenate([found.validation.x, found.test.x]), np.concatenate([found.validation.y, found.test.y])
    )
    return Source("digits CNN", found.module, held_out, found.train.x, 256, 360, 360)


def lenet(data: Data) -> Source:
    """LeNet on MNIST."""
    assert data.mnist is not None
    found = search_networks.lenet_problem(data.cache, data.mnist)
    return Source("LeNet", found.module, found.test, found.train.x, 500, 2_000, 8_000)


def dscnn(data: Data) -> Source:
    """The keyword spotter of MLPerf Tiny."""
    assert data.kws is not None
    with np.load(data.kws) as archive:
        features = (archive["x_int8"].astype(np.float32) - archive["zero_point"]) * archive["scale"]
        held_out = Samples(features.reshape(-1, 1, 49, 10).astype(np.float32), archive["y"].astype(np.int64))
    return Source("DS-CNN", _mlperf(data.models, "kws_dscnn"), held_out, None, 200, 500, 500)


def resnet8(data: Data) -> Source:
    """The image classifier of MLPerf Tiny; its input is 0..255."""
    assert data.cifar is not None
    with np.load(data.cifar) as archive:
        training, test = (
            np.ascontiguousarray(archive[name].transpose(0, 3, 1, 2), np.float32)
            for name in ("x_train", "x_test")
        )
        held_out = Samples(test, archive["y_test"].astype(np.int64))
    return Source("ResNet-8", _mlperf(data.models, "ic_resnet8"), held_out, training, 200, 500, 500)


def jets(data: Data) -> Source:
    """A network of the size of the jet taggers, on synthetic features of five classes."""
    x, y = make_classification(
        JETS_TRAINED + 8_800,
        16,
        n_informative=10,
        n_redundant=3,
        n_classes=5,
        class_sep=1.3,
        random_state=SEED,
    )
    every = Samples((x / x.std(axis=0)).astype(np.float32), y.astype(np.int64))
    train, held_out = _parted(every, JETS_TRAINED)
    module = trained(data.cache, "jets", Mlp(), lambda: train_module(JETS, Mlp, train))
    return Source("jets-like MLP", module, held_out, train.x, 500, 800, 8_000)


def mnist_mlp(data: Data) -> Source:
    """Linear layers 784-64-32-10 on MNIST."""
    assert data.mnist is not None
    with np.load(data.mnist) as archive:
        train, test = (
            Samples(pixels(archive[f"x_{part}"][:, None]), archive[f"y_{part}"].astype(np.int64))
            for part in ("train", "test")
        )
    module = trained(
        data.cache, "mnist_mlp", _mnist_mlp(), lambda: train_module(MNIST_MLP, _mnist_mlp, train)
    )
    return Source("MNIST MLP", module, test, train.x, 500, 1_000, 8_000)


def half_cifar(data: Data) -> Source:
    """A small network of strided convolutions on half of the CIFAR-10 images at hand."""
    assert data.cifar is not None
    with np.load(data.cifar) as archive:
        x = np.concatenate([archive["x_train"], archive["x_test"]]).transpose(0, 3, 1, 2)
        y = np.concatenate([archive["y_train"], archive["y_test"]]).astype(np.int64)
    train, held_out = _parted(Samples(pixels(x), y), CIFAR_TRAINED)
    module = trained(
        data.cache, "half_cifar", _half_cifar(), lambda: train_module(HALF_CIFAR, _half_cifar, train)
    )
    return Source("half-CIFAR CNN", module, held_out, train.x, 250, 1_000, 1_500)


BARS: dict[str, Callable[[Data], Source]] = {
    "lenet": lenet,
    "digits": digits,
    "dscnn": dscnn,
    "resnet8": resnet8,
}
FRESH: dict[str, Callable[[Data], Source]] = {
    "jets": jets,
    "mnist_mlp": mnist_mlp,
    "half_cifar": half_cifar,
}
NETWORKS = {**BARS, **FRESH}


def missing(name: str, data: Data) -> str | None:
    """The argument that a network needs and that was not given."""
    needs = {
        "lenet": ("mnist",),
        "mnist_mlp": ("mnist",),
        "dscnn": ("kws", "models"),
        "resnet8": ("cifar", "models"),
        "half_cifar": ("cifar",),
    }
    return next((f"--{what}" for what in needs.get(name, ()) if getattr(data, what) is None), None)


def _mnist_mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        *(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)),
    )


def _half_cifar() -> nn.Module:
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32), (32, 48)):
        layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(48 * 16, 32), nn.ReLU(), nn.Linear(32, 10))


def _parted(samples: Samples, first: int) -> tuple[Samples, Samples]:
    """Shuffled: the first so many, and the rest."""
    order = np.random.default_rng(SEED).permutation(len(samples.x))
    one, two = (Samples(samples.x[rows], samples.y[rows]) for rows in np.split(order, [first]))
    return one, two


def _mlperf(folder: Path | None, name: str) -> nn.Module:
    """A trained network of MLPerf Tiny."""
    assert folder is not None
    found = importlib.util.spec_from_file_location("mlperf_tiny", folder / "mlperf_tiny_torch.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    loaded: nn.Module = module.load(name)
    return loaded
