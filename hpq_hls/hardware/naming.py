"""Legal, unique identifiers for C++ and SystemVerilog from the names users gave."""

from __future__ import annotations

import re
from collections.abc import Sequence

_CPP = """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t
char32_t char8_t class co_await co_return co_yield compl concept const const_cast
consteval constexpr constinit continue decltype default delete do double dynamic_cast
else enum explicit export extern false float for friend goto if inline int long
mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected
public register reinterpret_cast requires return short signed sizeof static
static_assert static_cast struct switch template this thread_local throw true try
typedef typeid typename union unsigned using virtual void volatile wchar_t while xor
xor_eq main std hls hpq ap_int ap_uint ap_fixed ap_ufixed ap_axiu assert errno stdin
stdout stderr NULL"""
_SYSTEMVERILOG = """accept_on alias always always_comb always_ff always_latch and assert assign assume
automatic before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex
casez cell chandle checker class clocking cmos config const constraint context
continue cover covergroup coverpoint cross deassign default defparam design disable
dist do edge else end endcase endchecker endclass endclocking endconfig endfunction
endgenerate endgroup endinterface endmodule endpackage endprimitive endprogram
endproperty endspecify endsequence endtable endtask enum event eventually expect
export extends extern final first_match for force foreach forever fork forkjoin
function generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins
implements implies import incdir include initial inout input inside instance int
integer interconnect interface intersect join join_any join_none large let liblist
library local localparam logic longint macromodule matches medium modport module nand
negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or
output package packed parameter pmos posedge primitive priority program property
protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure
rand randc randcase randsequence rcmos real realtime ref reg reject_on release repeat
restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime
s_until s_until_with scalared sequence shortint shortreal showcancelled signed small
soft solve specify specparam static string strong strong0 strong1 struct super
supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type
typedef union unique unique0 unsigned until until_with untyped use uwire var vectored
virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within
wor xnor xor"""
_PORTS = "ap_clk ap_rst_n s_axis m_axis top testbench"

RESERVED = frozenset(f"{_CPP} {_SYSTEMVERILOG} {_PORTS}".split())
"""Words no identifier may be, compared without regard to case: keywords of C++20 and IEEE 1800-2017,
names the generated files use themselves."""
_RESERVED_LOWER = frozenset(word.lower() for word in RESERVED)
MAX_LENGTH = 96


class Namer:
    """Hands out identifiers; two calls never give the same one, not even in another case (file names)."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, wish: str) -> str:
        """A legal identifier as close to ``wish`` as possible."""
        base = legal_identifier(wish)
        name, count = base, 1
        while name.lower() in self._taken:
            name = f"{base}_{count}"
            count += 1
        self._taken.add(name.lower())
        return name


def port_names(prefix: str, names: Sequence[str]) -> dict[str, str]:
    """The AXI4-Stream port of each of the network's inputs or outputs: ``prefix`` where there is one, else
    that and the name, made legal."""
    if len(names) == 1:
        return {names[0]: prefix}
    namer = Namer()
    # Behind a letter a name need not start with one, and is no keyword.
    return {name: f"{prefix}_{namer.unique(f'n_{name}').removeprefix('n_')}" for name in names}


def legal_identifier(wish: str) -> str:
    """``wish`` as an identifier legal in C++ and SystemVerilog: ASCII letters, digits and single
    underscores, starting with a letter, no keyword, not longer than MAX_LENGTH."""
    name = re.sub(r"[^0-9A-Za-z]+", "_", wish).strip("_")[:MAX_LENGTH].rstrip("_")
    if not name or not name[0].isalpha():
        name = f"n_{name}" if name else "n"
    lowered = name.lower()
    if lowered in _RESERVED_LOWER or lowered.startswith(("hpq_", "m_axis", "s_axis", "ap_")):
        name = f"n_{name}"
    return name
