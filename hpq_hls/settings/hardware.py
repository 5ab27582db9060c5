"""The section of project.yaml about the chip, the clock and the folding."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from hpq_hls.billing.inference import Tool
from hpq_hls.billing.parts import BOARDS
from hpq_hls.codegen.boards import known_board
from hpq_hls.codegen.registry import find_backend
from hpq_hls.cost import find_part
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import (
    CLOCKS_NS,
    DEFAULT_PART,
    DEFAULT_UTILISATION,
    Control,
    Export,
    Memory,
    Multiplier,
    System,
    Tlast,
    system_of,
    target_of,
)
from hpq_hls.project import DEFAULT_CLOCK_NS, LayerSettings
from hpq_hls.settings.fields import Depth, Empty, FileName, Positive, Real, Section, Text, each_once, one_of


def _part(value: str) -> str:
    """A part, or a known board for the part that is on it."""
    try:
        find_part(value)
    except ConfigError as error:
        board = known_board(value)
        part = BOARDS.get(value.strip().lower()) if board is None else board.part
        if part is None:
            raise ValueError(f"is {value!r}: {error}") from error
        return part
    return value


MULTIPLIER = tuple(item.value for item in Multiplier)
OLDER_MULTIPLIERS = (*MULTIPLIER, "fabric")
"""What ``multipliers`` may be, the older name of ``multiplier``; fabric is lut."""
TWO_MULTIPLIERS = "names multiplier and multipliers, which mean the same; keep multiplier"


class FoldingSettings(Section):
    """Folding of one layer."""

    pe: Positive | None = None
    """Rows (outputs) that the layer works on at once."""
    simd: Positive | None = None
    """Columns (inputs) that the layer works on at once."""
    reuse_factor: Positive | None = None
    """Cycles for which each multiplier is used per position, instead of pe and simd."""
    pixels: Positive | None = None
    """Neighbours of a row that the layer reads in one beat (io stream); they divide the row."""
    strategy: Annotated[Text, one_of(("folded", "unrolled", "da"))] | None = None
    """As `hardware.strategy`, for this layer."""
    multiplier: Annotated[Text, one_of(MULTIPLIER)] | None = None
    """As `hardware.multiplier`, for this layer."""
    multipliers: Annotated[Text, one_of(OLDER_MULTIPLIERS)] | None = None
    """Older name of multiplier."""

    @model_validator(mode="after")
    def _one_multiplier(self) -> FoldingSettings:
        if self.multiplier is not None and self.multipliers is not None:
            raise ValueError(TWO_MULTIPLIERS)
        return self

    @model_validator(mode="after")
    def _one_folding(self) -> FoldingSettings:
        if None not in (self.pe, self.simd, self.reuse_factor):
            raise ValueError("has pe, simd and reuse_factor; pe and simd fold it, so leave out reuse_factor")
        return self


Backends = Annotated[
    tuple[Annotated[Text, one_of(("vitis", "vivado", "rtl"))], ...],
    Field(min_length=1),
    AfterValidator(each_once),
]


class IpSettings(Section):
    """What the IP block is called; null: by the tool's own words."""

    vendor: Text | None = None
    """Vendor of the IP block's name (VLNV)."""
    library: Text | None = None
    """Library of its name."""
    version: Text | float | None = None
    """Version, x.y or x.y.z."""
    display_name: Text | None = None
    """Name in the catalogue."""


class HardwareSettings(Section):
    """The chip, the clock and the folding.

    Without target_interval and target_fps the design is the fastest that takes no more than ``utilisation``
    of each resource of the part.
    """

    backends: Backends = ("vitis", "rtl")
    """What `hpq generate` writes."""
    part: Annotated[Text, AfterValidator(_part)] = DEFAULT_PART
    """The FPGA, or a known board for the part that is on it."""
    board: Text | None = None
    """A board that a system is made for; it sets the part where none is given."""
    boards: FileName | None = None
    """A file with boards of your own."""
    clock_ns: Annotated[Real, Field(ge=CLOCKS_NS[0], le=CLOCKS_NS[1])] = DEFAULT_CLOCK_NS
    """Clock period in nanoseconds."""
    io: Annotated[Text, one_of(("stream", "parallel"))] = "stream"
    """stream: position by position; parallel: the whole tensor in one beat."""
    target_interval: Positive | None = None
    """Cycles from one inference to the next; null: as target_fps says, or the fastest that fits."""
    target_fps: Annotated[Real, Field(gt=0)] | None = None
    """Inferences per second, instead of target_interval."""
    utilisation: Annotated[Real, Field(gt=0, le=1)] = DEFAULT_UTILISATION
    """Share of each resource of the part that the fastest design may take."""
    reuse_factor: Positive | None = None
    """Cycles for which each multiplier is used per position, for layers that layers does not name."""
    strategy: Annotated[Text, one_of(("folded", "unrolled", "da"))] = "folded"
    """folded: multipliers shared in time; unrolled: a multiplier per weight; da: adder graphs, no
    multiplier."""
    multiplier: Annotated[Text, one_of(MULTIPLIER)] = "auto"
    """dsp: products in DSP blocks; lut: in LUTs; auto: where each is cheaper and the part has room."""
    multipliers: Annotated[Text, one_of(OLDER_MULTIPLIERS)] | None = None
    """Older name of multiplier; fabric is lut."""
    tlast: Annotated[Text, one_of(("checked", "ignored"))] = "checked"
    """Whether input ports check TLAST, so that packets of a wrong size raise a flag."""
    control: Annotated[Text, one_of(item.value for item in Control)] = "none"
    """Who starts an HLS design: none, nobody; s_axilite, a processor through registers."""
    memory: Annotated[Text, one_of(item.value for item in Memory)] = "axis"
    """Where frames are: axis, AXI4-Streams; m_axi, memory that a kernel for `v++` reads and writes."""
    clock_uncertainty: Real | Text | None = None
    """What the HLS tool keeps of each period, in ns or as "15%"; null: its own share."""
    export: Annotated[Text, one_of(item.value for item in Export)] = "none"
    """What is done with the RTL when the IP block is packaged: nothing, logic synthesis, or place and
    route too."""
    ip: Annotated[IpSettings, Empty] = IpSettings()
    """What the IP block is called."""
    layers: Annotated[dict[str, FoldingSettings], Empty] = Field(default_factory=dict)
    """Folding by layer."""
    fifo_depths: Annotated[dict[str, Depth], Empty] = Field(default_factory=dict)
    """Depths in beats by stream, instead of what timing gives."""
    tool: Annotated[Text, one_of(item.value for item in Tool)] = Tool.YOSYS.value
    """Whose rules decide, in estimates, which products are in DSP blocks: yosys, vivado or vitis."""
    calibration: FileName | None = None
    """A file of `hpq calibrate`, whose figures estimates then give."""

    @model_validator(mode="after")
    def _one_multiplier(self) -> HardwareSettings:
        if self.multiplier != "auto" and self.multipliers is not None:
            raise ValueError(TWO_MULTIPLIERS)
        return self

    @model_validator(mode="after")
    def _target(self) -> HardwareSettings:
        try:
            _ = self.target
        except ConfigError as error:
            raise ValueError(f"cannot be built: {error}") from None
        return self

    @model_validator(mode="after")
    def _system(self) -> HardwareSettings:
        try:
            for backend in self.backends:
                find_backend(backend).built(self.system)
        except ConfigError as error:
            raise ValueError(f"cannot be built: {error}") from None
        return self

    @property
    def system(self) -> System:
        """How the design stands in a system."""
        return system_of(**self.system_arguments(), clock_ns=self.clock_ns)

    @property
    def target(self) -> int | None:
        """The target interval in cycles."""
        return target_of(self.target_interval, self.target_fps, self.clock_ns)

    def arguments(self) -> dict[str, Any]:
        """For ``hpq_hls.project.hardware_config``."""
        left_out = {"backends", "fifo_depths", "calibration", "board", "boards", *_SYSTEM}
        plain = self.model_dump(exclude=left_out)
        if self.memory == Memory.M_AXI.value:  # its packets are the kernel's own
            plain["tlast"] = Tlast.IGNORED.value
        return {**plain, "layers": self.folding()}

    def system_arguments(self) -> dict[str, Any]:
        """For ``hpq_hls.generate``, beside ``arguments``."""
        return self.model_dump(include=set(_SYSTEM))

    def folding(self) -> LayerSettings:
        """``layers`` as ``hpq_hls.generate`` takes it."""
        return {name: given.model_dump(exclude_none=True) for name, given in self.layers.items()}


_SYSTEM = ("control", "memory", "clock_uncertainty", "export", "ip")
"""Settings that change nothing of what is computed."""
