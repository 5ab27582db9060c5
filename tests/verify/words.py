"""A bench without hardware: the kernels' own words, with a fault in them where a test wants one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

import hpq_hls as hpq
from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.kernels import IntArray, Kernel, Nature, Streams
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.verify.certify.bench import BoolArray
from hpq_hls.verify.certify.certificate import KernelCertificate
from hpq_hls.verify.certify.plan import CastTrial
from hpq_hls.verify.certify.trials import PLACE_TYPE


@dataclass(frozen=True, eq=False)
class Words:
    """faulty: what stands where a kernel stands."""

    wires: Streams
    faulty: Callable[[Kernel], Kernel] = lambda kernel: kernel

    tools: tuple[str, ...] = ("words",)
    pauses: bool = False

    def run(
        self, kernel: Kernel, inputs: Sequence[IntArray], *, window: int | None = None, stalls: int = 0
    ) -> list[IntArray]:
        kernel = self.faulty(kernel)
        count = len(inputs[0])
        if window is not None:
            return [self._exact(kernel, inputs, window)]
        made = [kernel.run([part[i] for part in inputs], self.wires) for i in range(count)]
        outs = [np.stack([frame[i] for frame in made]) for i in range(len(kernel.outputs))]
        return [self._bits(out, name) for out, name in zip(outs, kernel.outputs, strict=True)]

    def _bits(self, values: IntArray, name: str) -> IntArray:
        return values & (1 << self.wires[name].type.width) - 1

    def _exact(self, kernel: Kernel, inputs: Sequence[IntArray], window: int) -> IntArray:
        out = self.wires[kernel.outputs[0]]
        if kernel.nature is Nature.ROUTES:
            kind = {name: replace(stream, type=PLACE_TYPE) for name, stream in self.wires.items()}
            made = np.stack([kernel.run([p[i] for p in inputs], kind)[0] for i in range(len(inputs[0]))])
        else:
            sums, epilogue = kernel.finishes
            kind = {**self.wires, out.name: replace(out, type=epilogue.made(sums))}
            bare = replace(kernel, epilogue=epilogue if epilogue.slopes else Epilogue())
            made = np.stack([bare.run([p[i] for p in inputs], kind)[0] for i in range(len(inputs[0]))])
        return self._bits(made >> window, out.name)

    def casts(
        self, kernel: Kernel, kinds: Sequence[FixedType], codes: Sequence[IntArray]
    ) -> list[tuple[int, BoolArray, IntArray]]:
        kernel = self.faulty(kernel)
        out = self.wires[kernel.outputs[0]]
        ranged = Epilogue() if kernel.nature is Nature.ROUTES else kernel.finishes[1]
        ranged = Epilogue() if ranged.slopes else ranged
        found = []
        for index, (given, each) in enumerate(zip(kinds, codes, strict=True)):
            made = CastTrial(given, ranged, out.type, each, True, True).expected
            found.append((index, np.ones(len(each), dtype=bool), self._bits(made, out.name)))
        return found

    def streams(self) -> list[KernelCertificate]:
        return []


class Net(nn.Module):
    """A kernel of every nature."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.deep = nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, groups=4)
        self.slopes, self.fc = nn.PReLU(4), nn.Linear(16, 5)
        nn.init.uniform_(self.slopes.weight, -0.5, 0.7)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.slopes(self.conv(x))
        x = nn.functional.max_pool2d(x, 2)
        gate = torch.sigmoid(self.deep(nn.functional.pad(x, (1, 1, 1, 1))))
        x = torch.cat([(x * gate)[:, :2], (x + gate)[:, 2:]], 1)
        return self.fc(
            torch.maximum(nn.functional.avg_pool2d(x, 2), nn.functional.max_pool2d(gate, 2)).flatten(1)
        )


def every_nature() -> QuantizedGraph:
    """That network, at five bits."""
    torch.manual_seed(2)
    graph = hpq.from_torch(Net().eval(), torch.zeros(1, 2, 8, 8))
    x = np.random.default_rng(1).normal(size=(20, 2, 8, 8)).astype(np.float32)
    return hpq.quantize(graph, x, precision=5)
