"""Train LeNet on MNIST (or load it) and take it to verified hardware."""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import training  # noqa: E402  # the two folders above hold these
from network import LeNet  # noqa: E402

TRAINED_ON, VALIDATED_ON, TESTED_ON = 20_000, 1_000, 2_000


def main() -> None:
    given = training.arguments(__doc__)
    x, y, x_test, y_test = training.load(given.data, "x_train", "y_train", "x_test", "y_test")
    order = np.random.default_rng(0).permutation(len(x))  # the file may be sorted by digit
    fit, validation = np.split(order[: TRAINED_ON + VALIDATED_ON], [TRAINED_ON])
    build = HERE / "build"
    training.save_splits(
        build,
        calibration=(images(x[fit][:256]), y[fit][:256]),
        validation=(images(x[validation]), y[validation]),
        test=(images(x_test[:TESTED_ON]), y_test[:TESTED_ON]),
    )
    torch.manual_seed(0)
    net = LeNet()
    if given.weights:
        net.load_state_dict(torch.load(given.weights, weights_only=True))
    else:
        training.train(net, images(x[fit]), y[fit].astype(np.int64), given.epochs or 3, rate=5e-3, decay=0.01)
    torch.save(net.state_dict(), build / "weights.pt")
    training.to_hardware(HERE / "project.yaml")


def images(pixels: np.ndarray) -> np.ndarray:
    """(n, 28, 28) of 0..255 -> (n, 1, 28, 28) of 0..1 in steps of 1/256, which 8 bits hold exactly."""
    return (pixels[:, None] / 256).astype(np.float32)


if __name__ == "__main__":
    main()
