"""Kernels from outside the package: their templates, their library, their actor in the timing model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import jinja2
import pytest

from hpq_hls.billing.bill import Bill
from hpq_hls.codegen.registry import find_backend
from hpq_hls.cost import actors, time_dataflow
from hpq_hls.errors import ConfigError
from hpq_hls.fixed import Epilogue
from hpq_hls.hardware import Dataflow
from hpq_hls.kernels import Cast, Contract, Kernel, Streams, own
from hpq_hls.kernels.base import Frame
from hpq_hls.templating import CompiledTemplates
from tests.codegen.flows import blank_design
from tests.rtl.cases import chain, stream


def _registers(
    inputs: Sequence[actors.Channel], outs: Sequence[actors.Channel], parameters: tuple[int, ...]
) -> Iterator[None]:
    return actors.pipeline(list(inputs), outs[0], parameters[0])


@dataclass(frozen=True, eq=False)
class Swap(Kernel):
    kind: ClassVar[str] = "swap"
    header: ClassVar[str] = "swapping"

    def contract(self, streams: Streams) -> Contract:
        return own(_registers, 3, latency=3)

    def bill(self, bill: Bill, streams: Streams) -> None:
        """Wires."""

    def run(self, frames: Sequence[Frame], streams: Streams) -> list[Frame]:
        return [frames[0][:, ::-1]]


def _brought(folder: Path) -> type[Swap]:
    """The class with templates in a folder."""
    files = {
        "rtl/kernels/swap.sv.j2": '{{ m.connect("user_swap", k.name, [("WIDTH", x.bits)], x, y) -}}\n',
        "rtl/lib/user_swap.sv": "module user_swap #(parameter WIDTH = 1) ();\n  hpq_cast #(\n",
        "vitis/kernels/swap.cpp.j2": "// swaps {{ k.x.lanes }} elements\n",
        "vitis/hpq/swapping.h": "// a library\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return type("Swap", (Swap,), {"templates": folder})


def _flow(kind: type[Kernel]) -> Dataflow:
    x, z, y = (stream(name, "ap_fixed<4,2>", 2, 5) for name in "xzy")
    swap = kind(name="net_swap", layer="swap", inputs=("x",), outputs=("z",))
    return chain("net", [swap, Cast("net_cast", "cast", ("z",), ("y",), epilogue=Epilogue.relu())], [x, z, y])


def test_templates_and_library_of_a_kernel_from_outside(tmp_path: Path) -> None:
    design = blank_design(_flow(_brought(tmp_path)))
    rtl, vitis = (find_backend(name).files(design) for name in ("rtl", "vitis"))
    assert "user_swap #(\n      .WIDTH(8)\n  ) net_swap (" in str(rtl["rtl/net.sv"])
    assert rtl["rtl/user_swap.sv"] == (tmp_path / "rtl/lib/user_swap.sv").read_text()
    listed = str(rtl["rtl/files.f"]).split()
    assert listed.index("rtl/hpq_cast.sv") < listed.index("rtl/user_swap.sv")
    assert "// swaps 2 elements" in str(vitis["src/net.cpp"])
    assert '#include "hpq/swapping.h"' in str(vitis["src/net.cpp"])
    assert vitis["src/hpq/swapping.h"] == "// a library\n"


def test_its_actor_is_followed(tmp_path: Path) -> None:
    flow = _flow(_brought(tmp_path))
    _, cast = flow.kernels
    one = Cast("net_swap", "swap", ("x",), ("z",), epilogue=Epilogue())
    plain = replace(flow, kernels=(one, cast))
    theirs, ours = time_dataflow(flow), time_dataflow(plain)
    # Two registers more, and the FIFO that only kernels in step do without.
    assert (theirs.latency, theirs.interval) == (ours.latency + 3, ours.interval)


def test_what_is_missing_or_there_twice_is_said(tmp_path: Path) -> None:
    rtl, vitis = find_backend("rtl"), find_backend("vitis")
    with pytest.raises(ConfigError, match=r"net_swap of layer 'swap' is a 'swap', .* no template kernels"):
        rtl.files(blank_design(_flow(Swap)))
    brought = _brought(tmp_path)
    design = blank_design(_flow(brought))
    (tmp_path / "vitis/hpq/pool.h").write_text("")
    with pytest.raises(ConfigError, match=r"pool\.h and .*pool\.h have the same name"):
        vitis.files(design)
    (tmp_path / "vitis/kernels/swap.cpp.j2").unlink()
    (tmp_path / "vitis/hpq/pool.h").unlink()
    with pytest.raises(ConfigError, match=r"no template kernels/swap\.cpp\.j2; put it into .*vitis.kernels"):
        vitis.files(design)
    (tmp_path / "rtl/lib/user_swap.sv").unlink()
    with pytest.raises(ConfigError, match=r"no module user_swap, .* put user_swap\.sv into rtl/lib"):
        rtl.files(design)


def test_a_template_that_has_changed_is_compiled_again(tmp_path: Path) -> None:
    """Compiled templates are kept for every environment, each for its text."""
    kept = CompiledTemplates()
    for text in ("one {{ x }}", "another {{ x }}", "one {{ x }}"):
        (tmp_path / "a.j2").write_text(text)
        environment = jinja2.Environment(loader=jinja2.FileSystemLoader(tmp_path), bytecode_cache=kept)
        assert environment.get_template("a.j2").render(x=3) == text.replace("{{ x }}", "3")
    assert len(kept) == 2
