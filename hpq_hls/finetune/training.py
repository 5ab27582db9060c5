"""The training loop."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import torch

from hpq_hls.errors import ConfigError
from hpq_hls.finetune.losses import loss_of
from hpq_hls.finetune.network import Tensors, TrainableNetwork, float_outputs
from hpq_hls.finetune.settings import Loss, Settings
from hpq_hls.graph import Graph, Inputs, named
from hpq_hls.simulate import QuantizedGraph
from hpq_hls.simulate.threads import torch_alone

TEACHER_BATCH = 256
DAMPING = 0.3
"""How strongly parameters are drawn to their codes at the end, in shares of the learning rate. Without it,
those that the gradient drives to the middle between two codes jump to and fro at every step, and the others
train against that noise (Nagel et al. 2022, arXiv 2203.08086). It grows from zero: what the gradient says
with one voice moves to the end, what it is undecided about settles. On digits and MNIST, 0 and 3 (which
settles everything too early) end with higher losses."""
Report = Callable[[int, int, float], None]
"""Called with the steps that are done, the epoch from 1, and the loss."""


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Gradients and full float32 whatever the caller has set, in one thread, so that the order of sums,
    and with it the result, does not depend on the machine's number of processors."""
    with (
        torch_alone(),
        torch.inference_mode(False),
        torch.enable_grad(),
        torch.autocast("cpu", enabled=False),
    ):
        yield


class Training:
    """Trains the parameters of a quantized network, epoch by epoch.

    Parameters
    ----------
    q : the network that training starts from.
    settings : see ``finetune``.
    x : (samples, *input_shape), float, as ``check_inputs`` gives it.
    output : the one that ``settings.loss`` is of. Others follow the float network's.
    y : class numbers or targets, where the loss needs them.
    teacher : the float network that the loss compares with, where it needs that.
    """

    def __init__(
        self,
        q: QuantizedGraph,
        settings: Settings,
        x: Inputs,
        y: npt.NDArray[np.generic] | None,
        teacher: Graph,
        output: str,
    ) -> None:
        self._q, self.settings, self._x, self._output = q, settings, x, output
        several = len(q.graph.outputs) > 1
        taught = _outputs(teacher, x) if settings.loss.needs_teacher or several else None
        # The teacher's only output may have another name.
        self._taught = taught if several or taught is None else {output: next(iter(taught.values()))}
        self._y = None if y is None else _targets(settings.loss, y)
        self._network = TrainableNetwork(q)
        self._codes = [codes for own in self._network.parameters.values() for codes in own]
        groups = [{"params": [codes.latent], "lr": 0.0} for codes in self._codes]
        self._optimizer = torch.optim.Adam(groups)
        self._random = np.random.default_rng(settings.seed)
        self._batches = -(-len(x) // settings.batch_size)
        self.steps = self._batches * settings.epochs
        self._done = 0

    def epoch(self, number: int, report: Report) -> float:
        """Train one epoch and return its mean loss.

        Raises:
            ConfigError: the loss is no longer finite.
        """
        order = self._random.permutation(len(self._x))
        total = 0.0
        for rows in np.array_split(order, self._batches):
            loss = self._step(rows)
            if not math.isfinite(loss):
                raise ConfigError(
                    f"the loss is {loss} in epoch {number} of fine-tuning; lower learning_rate "
                    f"({self.settings.learning_rate:g}), or scale the targets down"
                )
            total += loss
            report(self._done, number, loss)
        return total / self._batches

    def quantized(self) -> QuantizedGraph:
        """The network as it is now, in integers."""
        return self._network.quantized()

    def _step(self, rows: npt.NDArray[np.int64]) -> float:
        q = self._q
        # a cosine from the full rate to zero (Loshchilov and Hutter 2016, arXiv 1608.03983)
        done = self._done / self.steps
        rate = self.settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * done))
        for group, codes in zip(self._optimizer.param_groups, self._codes, strict=True):
            group["lr"] = rate * codes.typical
        raw = named(q.quantize_input(self._x[rows]), q.input_types)
        seen = {name: kind.to_float(raw[name]).astype(np.float32) for name, kind in q.input_types.items()}
        outputs = self._network.outputs({name: torch.from_numpy(given) for name, given in seen.items()})
        loss = self._loss(outputs, torch.from_numpy(rows))
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        for codes in self._codes:
            codes.settle(DAMPING * done * rate * codes.typical)
        self._done += 1
        return float(loss.item())

    def _loss(self, outputs: Tensors, rows: torch.Tensor) -> torch.Tensor:
        taught = {} if self._taught is None else {name: all_[rows] for name, all_ in self._taught.items()}
        y = None if self._y is None else self._y[rows]
        loss = loss_of(self.settings.loss, outputs[self._output], taught.get(self._output), y)
        for name, found in outputs.items():
            if name != self._output:  # relative to how much it varies, so that no output outweighs the others
                power = taught[name].var(correction=0).clamp_min(1e-12)
                loss = loss + loss_of(Loss.IMITATION, found, taught[name], None) / power
        return loss


def _targets(loss: Loss, y: npt.NDArray[np.generic]) -> torch.Tensor:
    return torch.from_numpy(y.astype(np.int64 if loss.of_classes else np.float32))


def _outputs(teacher: Graph, x: Inputs) -> Tensors:
    """The float network's outputs by name."""
    parts: dict[str, list[torch.Tensor]] = {name: [] for name in teacher.outputs}
    given = named(x, teacher.inputs)
    with torch.no_grad():
        for start in range(0, len(x), TEACHER_BATCH):
            rows = slice(start, start + TEACHER_BATCH)
            block = {name: torch.from_numpy(all_[rows].astype(np.float32)) for name, all_ in given.items()}
            for name, found in float_outputs(teacher, block).items():
                parts[name].append(found)
    return {name: torch.cat(blocks) for name, blocks in parts.items()}
