"""The sections of project.yaml that a search reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from hpq_hls.finetune import Loss
from hpq_hls.fixed import Overflow, Rounding
from hpq_hls.quantize import QuantizerOptions, Scaling, WeightRounding
from hpq_hls.search.arguments import MAX_JOBS, check_cluster, check_confidence
from hpq_hls.search.choices import modes_of, narrowed
from hpq_hls.search.errors import SettingError
from hpq_hls.search.limits import Limits, check_limit
from hpq_hls.search.metric import check_drop, check_name, find_metric, kind_of
from hpq_hls.search.objective import find_objective
from hpq_hls.search.problem import Effort, find_effort
from hpq_hls.search.space import ACTIVATION_BITS, WEIGHT_BITS
from hpq_hls.search.strategies import STRATEGIES
from hpq_hls.settings.errors import Misplaced
from hpq_hls.settings.fields import (
    Empty,
    Positive,
    Real,
    Section,
    Switch,
    Text,
    WidthList,
    accepted,
    one_of,
)
from hpq_hls.simulate.simulator import MEMORY_MIB

STRATEGY_NAMES = ("auto", *STRATEGIES)
EVERY_WIDTH = range(1, 33)
_QUANTIZER = QuantizerOptions()


def _number(value: Any) -> Any:
    """1e6 is text in YAML 1.1, which wants 1.0e+6."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _objective(value: Any) -> Any:
    if isinstance(value, dict):
        value = {name: _number(weight) for name, weight in value.items()}
    find_objective(value)
    return value


def _confidence(value: Any) -> Any:
    check_confidence("confidence", value)
    return value


def _effort(value: Any) -> str:
    return find_effort(value).value


def _cluster(value: Any) -> Any:
    check_cluster("cluster", value)
    return value


def _limit(name: str) -> BeforeValidator:
    return BeforeValidator(lambda value: check_limit(name, _number(value)))


def _widths(value: Any) -> Any:
    """A pin, a list or bounds; a list in the order of the file."""
    narrowed(value, EVERY_WIDTH)
    return tuple(value) if isinstance(value, list) else value


def _modes(value: Any) -> tuple[str, ...]:
    return tuple(mode.value for mode in modes_of(() if value is None else value))


def _group(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) < 2:
        raise ValueError(f"is [{', '.join(value)}]; name two or more that share a type")
    return value


def _jobs(value: int) -> int:
    if value == 0:
        raise ValueError("is 0; give a number of jobs, or -1 for one per processor")
    if value > MAX_JOBS:
        raise ValueError(f"is {value}; give at most {MAX_JOBS} jobs, or -1 for one per processor")
    return value


Widths = Annotated[Any, BeforeValidator(_widths)]
Modes = Annotated[tuple[str, ...], BeforeValidator(_modes)]
Group = Annotated[tuple[Text, ...], AfterValidator(_group)]


class LimitSettings(Section):
    """What a network may take at most; see ``hpq_hls.search.limits.Limits``."""

    utilisation: Annotated[float | None, _limit("utilisation")] = None
    """Share of each resource of the part."""
    lut: Annotated[int | None, _limit("lut")] = None
    """LUTs."""
    ff: Annotated[int | None, _limit("ff")] = None
    """Flip-flops."""
    dsp: Annotated[int | None, _limit("dsp")] = None
    """DSP blocks."""
    bram: Annotated[int | None, _limit("bram")] = None
    """Block RAMs of 18 kbit."""
    weight_bits: Annotated[int | None, _limit("weight_bits")] = None
    """Bits of all parameters."""
    latency_cycles: Annotated[int | None, _limit("latency_cycles")] = None
    """Cycles from the first beat in to the last beat out."""
    latency_us: Annotated[float | None, _limit("latency_us")] = None
    """The same in microseconds."""
    interval_cycles: Annotated[int | None, _limit("interval_cycles")] = None
    """Cycles from one inference to the next."""
    throughput: Annotated[float | None, _limit("throughput")] = None
    """Inferences per second, at least."""

    def to_limits(self) -> Limits:
        """The limits as ``hpq_hls.search`` takes them."""
        return Limits(**self.model_dump())


class LayerChoices(Section):
    """What may be chosen for one layer: a width, a list, or bounds {min, max} on the list for all layers."""

    weight: Widths | None = None
    """Widths of the weights."""
    activation: Widths | None = None
    """Widths of the output."""
    rounding: Modes = ()
    """Modes of the output."""


class SearchSettings(Section):
    """What ``hpq search`` looks for."""

    objective: Annotated[Any, accepted(_objective)] = "lut"
    """What to save: lut, ff, dsp, bram, latency, interval, throughput, weight_bits or bops; or a
    weighted sum such as {lut: 1, bram: 200}."""
    max_drop: Annotated[Real, Field(ge=0)] = 0.01
    """How much of the float network's score may be lost, absolute."""
    confidence: Annotated[Any, accepted(_confidence)] = 0.9
    """Probability that the drop on unseen data is within max_drop; null: the drop on the validation
    data is."""
    effort: Annotated[str, accepted(_effort)] = Effort.FULL.value
    """fast: about 100 combinations, a first answer; full: what the strategy wants."""
    metric: Annotated[Text, AfterValidator(check_name)] = "top1"
    """top1, top5 (any number), auc, mse, mae, or `package.module:function`, where larger is better."""
    output: Text | None = None
    """Of a network with several outputs, the one that is scored; null: the one that the data has
    `y_<output>` for, or the first."""
    limits: Annotated[LimitSettings, Empty] = LimitSettings()
    """What a network may take at most."""
    weight_bits: WidthList = WEIGHT_BITS
    """Widths of weights to choose from."""
    activation_bits: WidthList = ACTIVATION_BITS
    """Widths of outputs to choose from."""
    rounding: Modes = ()
    """Rounding modes to choose from at each layer's output; empty: the quantizer's."""
    layers: Annotated[dict[str, LayerChoices], Empty] = Field(default_factory=dict)
    """What may be chosen for a layer: a width, a list, or {min, max}."""
    groups: Annotated[tuple[Group, ...], BeforeValidator(lambda value: () if value is None else value)] = ()
    """Layers that share one type."""
    strategy: Annotated[Text, one_of(STRATEGY_NAMES)] = "sensitivity"
    """How combinations are chosen; auto: exhaustive where the space is small."""
    evaluations: Positive | None = None
    """Most combinations to measure; null: as many as the strategy wants."""
    finetune: Switch = False
    """Train on at the widths that were found."""
    seed: Annotated[int, Field(strict=True, ge=0)] = 0
    """Of everything that is drawn."""
    jobs: Annotated[int, Field(strict=True, ge=-1), AfterValidator(_jobs)] = 1
    """Combinations measured at the same time; -1: one per processor."""
    cluster: Annotated[Text | None, accepted(_cluster)] = None
    """Where combinations are measured: a Dask scheduler such as `tcp://host:8786`, or `ray`; null: here."""
    memory_mib: Annotated[Real, Field(ge=0)] = MEMORY_MIB
    """Memory, in MiB, in which jobs keep the values of layers that combinations share."""

    @model_validator(mode="after")
    def _consistent(self) -> SearchSettings:
        """What takes two keys to be wrong, blamed on one of them."""
        try:
            check_drop(kind_of(self.metric), self.max_drop)
        except SettingError as error:
            raise Misplaced(error.keys, error.problem) from None
        if self.cluster is not None and self.jobs != 1:
            raise Misplaced(("jobs",), "and search.cluster are both given; a cluster has workers of its own")
        for name, layer in self.layers.items():
            for part, default in (("weight", self.weight_bits), ("activation", self.activation_bits)):
                given = getattr(layer, part)
                try:
                    if isinstance(given, dict):
                        narrowed(given, sorted(default))
                except ValueError as error:
                    raise Misplaced(("layers", name, part), str(error)) from None
        return self

    def layer_rules(self) -> dict[str, dict[str, Any]]:
        """``layers`` as ``hpq_hls.search`` takes it."""
        return {name: layer.model_dump(exclude_defaults=True) for name, layer in self.layers.items()}

    def arguments(self, folder: Path) -> dict[str, Any]:
        """These settings as keyword arguments of ``hpq_hls.search``.

        folder: of the project, where a metric of the user's own is imported from.

        Raises:
            SettingError: it cannot be imported.
        """
        given = self.model_dump(exclude={"jobs", "finetune", "limits", "layers"})
        return {
            **given,
            "n_jobs": self.jobs if self.cluster is None else None,
            "layers": self.layer_rules(),
            "limits": self.limits.to_limits(),
            "metric": find_metric(self.metric, folder),
        }


class QuantizerSettings(Section):
    """How networks are quantized; see ``hpq_hls.quantize.QuantizerOptions``."""

    rounding: Annotated[Text, one_of(mode.value for mode in Rounding)] = _QUANTIZER.rounding.value
    """Of the input's and the layers' outputs; AP_TRN costs nothing, AP_RND an adder."""
    overflow: Annotated[Text, one_of(mode.value for mode in Overflow)] = _QUANTIZER.overflow.value
    """Likewise; AP_SAT saturates, AP_WRAP costs nothing."""
    scaling: Annotated[Text, one_of(item.value for item in Scaling)] = _QUANTIZER.scaling.value
    """Integer bits by the range of values, their error, or the error of the layer's output."""
    per_channel: Switch = _QUANTIZER.per_channel
    """A power-of-two scale for each output channel."""
    equalize: Switch = _QUANTIZER.equalize
    """Move scale between consecutive layers."""
    bias_correction: Switch = _QUANTIZER.bias_correction
    """Put the mean rounding error into the biases."""
    weight_rounding: Annotated[Text, one_of(i.value for i in WeightRounding)] = (
        _QUANTIZER.weight_rounding.value
    )
    """nearest; compensated: errors of weights make up for each other."""
    keep_zeros: Switch = _QUANTIZER.keep_zeros
    """Zeros of pruned layers stay zero."""

    def options(self) -> QuantizerOptions:
        """The same as ``hpq_hls.quantize`` takes it."""
        return QuantizerOptions(**self.model_dump())


class FinetuneSettings(Section):
    """How ``search.finetune`` trains; see ``hpq_hls.finetune``."""

    loss: Annotated[Text, one_of(item.value for item in Loss)] | None = None
    """What training lowers; null: what suits the network."""
    epochs: Positive = 5
    """Times that training goes through the data."""
    batch_size: Positive = 64
    """Samples of a step."""
    learning_rate: Annotated[Real, Field(gt=0)] = 0.01
    """Largest step; it falls to zero along half a cosine."""
