"""A bench without hardware: the kernels' own words, with a fault in them where a test wants one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hpq_hls.fixed import Epilogue, FixedType
from hpq_hls.kernels import IntArray, Kernel, Nature, Streams
from hpq_hls.verify.certify.certificate import KernelCertificate
from hpq_hls.verify.certify.trials import PLACE_TYPE, CastTrial


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
    ) -> list[tuple[int, IntArray]]:
        kernel = self.faulty(kernel)
        out = self.wires[kernel.outputs[0]]
        ranged = Epilogue() if kernel.nature is Nature.ROUTES else kernel.finishes[1]
        ranged = Epilogue() if ranged.slopes else ranged
        found = []
        for index, (given, each) in enumerate(zip(kinds, codes, strict=True)):
            made = CastTrial(given, ranged, out.type, each, True, True).expected
            found.append((index, self._bits(made, out.name)))
        return found

    def streams(self) -> list[KernelCertificate]:
        return []
