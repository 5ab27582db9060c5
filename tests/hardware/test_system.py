"""How a design stands in a system: what can be chosen, and what excludes each other."""

from __future__ import annotations

from typing import Any

import pytest

from hpq_hls.codegen.registry import BACKENDS
from hpq_hls.errors import ConfigError
from hpq_hls.hardware import CORE, Control, Export, Ip, Memory, System, system_of


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, None), (0, "0ns"), (0.5, "0.5ns"), ("0.5ns", "0.5ns"), (".5 ns", "0.5ns"), ("12.5%", "12.5%"),
     ("27 %", "27%"), (1e-3, "0.001ns"), ("0%", "0%")],
)  # fmt: skip
def test_clock_uncertainty(given: float | str | None, kept: str | None) -> None:
    assert system_of(clock_uncertainty=given, clock_ns=5.0).clock_uncertainty == kept


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"control": "ap_ctrl_hs"}, "control is 'ap_ctrl_hs'; choose none or s_axilite"),
        ({"control": None}, "control is None; choose none or s_axilite"),
        ({"memory": "axi"}, "memory is 'axi'; choose axis or m_axi"),
        ({"export": True}, "export is True; choose none, syn or impl"),
        ({"memory": "m_axi"}, "choose control s_axilite, or memory axis"),
        ({"clock_uncertainty": -0.5}, "clock_uncertainty is -0.5; give nanoseconds"),
        ({"clock_uncertainty": float("nan")}, "clock_uncertainty is nan"),
        ({"clock_uncertainty": True}, "clock_uncertainty is True"),
        ({"clock_uncertainty": "5ps"}, "clock_uncertainty is '5ps'"),
        ({"clock_uncertainty": 4.0}, "nothing is left of a period of 4 ns"),
        ({"clock_uncertainty": "100%"}, "nothing is left of a period of 4 ns"),
        ({"ip": {"name": "x"}}, "ip has the unknown key 'name'; known are vendor, library, version, "),
        ({"ip": {"vendor": ""}}, "ip.vendor is ''"),
        ({"ip": {"library": "my lib"}}, "ip.library is 'my lib'"),
        ({"ip": {"version": "1.0.0.0"}}, "ip.version is '1.0.0.0'"),
        ({"ip": {"version": "v1.0"}}, "ip.version is 'v1.0'"),
        ({"ip": {"version": 1.0}}, "in quotes in a YAML file"),
        ({"ip": {"display_name": "a\nb"}}, "ip.display_name is 'a"),
        ({"ip": {"display_name": "$x"}}, "ip.display_name is '$x'"),
        ({"ip": {"display_name": "x" * 81}}, "of at most 80 characters"),
    ],
)  # fmt: skip
def test_bad_settings_get_one_sentence(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        system_of(**{"clock_ns": 4.0, **given})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_each_backend_has() -> None:
    asked = system_of(
        control="s_axilite", memory="m_axi", clock_uncertainty="10%", export="impl",
        ip={"vendor": "example.com", "version": None}, clock_ns=4.0,
    )  # fmt: skip
    ip = Ip("example.com")
    assert asked == System(Control.S_AXILITE, Memory.M_AXI, "10%", Export.IMPL, ip)
    assert BACKENDS["vitis"].built(asked) == asked
    assert BACKENDS["rtl"].built(asked) == System(ip=ip)
    with pytest.raises(ConfigError, match="backend vivado and memory m_axi exclude each other"):
        BACKENDS["vivado"].built(asked)
    assert all(backend.built(CORE) == CORE for backend in BACKENDS.values())
