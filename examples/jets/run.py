"""Train the jet tagger (or load it) and take it to verified hardware."""

import sys
from pathlib import Path

import numpy as np
import torch

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import training  # noqa: E402  # the two folders above hold these
from network import JetNet  # noqa: E402


def main() -> None:
    given = training.arguments(__doc__)
    x, y = training.load(given.data, "x", "y")
    x, y = x.astype(np.float32), y.astype(np.int64)
    order = np.random.default_rng(0).permutation(len(x))
    fit, validation, test = np.split(order, [3 * len(x) // 5, 4 * len(x) // 5])
    build = HERE / "build"
    training.save_splits(
        build,
        calibration=(x[fit][:500], y[fit][:500]),
        validation=(x[validation], y[validation]),
        test=(x[test], y[test]),
    )
    torch.manual_seed(0)
    net = JetNet()
    if given.weights:
        net.load_state_dict(torch.load(given.weights, weights_only=True))
    else:
        training.train(net, x[fit], y[fit], given.epochs or 30, rate=3e-3, decay=0.3)
    torch.save(net.state_dict(), build / "weights.pt")
    training.to_hardware(HERE / "project.yaml")


if __name__ == "__main__":
    main()
