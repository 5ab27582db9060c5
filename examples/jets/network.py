"""The network that project.yaml names."""

import itertools

from torch import nn


class JetNet(nn.Sequential):
    """16 features -> 5 classes."""

    def __init__(self) -> None:
        super().__init__()
        sizes = (16, 64, 32, 32, 5)
        for index, (inputs, outputs) in enumerate(itertools.pairwise(sizes), 1):
            self.add_module(f"fc{index}", nn.Linear(inputs, outputs))
            if outputs != sizes[-1]:
                self.add_module(f"relu{index}", nn.ReLU())
