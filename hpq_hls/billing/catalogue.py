"""Tables of parts and boards.

Data sheets that state them: DS180 (7 series), DS190 (Zynq-7000), DS890 (UltraScale and UltraScale+), DS891
(Zynq UltraScale+ MPSoC), DS889 (Zynq UltraScale+ RFSoC), DS987 (Kria K26), DS985 (Kria K24), those of the
Alveo cards, DS950 (Versal), FPGA-DS-02012 (ECP5), FPGA-DS-02029 (iCE40 LP and HX) and FPGA-DS-02008 (iCE40
UltraPlus). Figures of Versal, of Spartan and Artix UltraScale+, and of the later RFSoCs are those that Vivado
2025.2's own table of parts has; those of ECP5 and iCE40 were not compared with a table. LUTs and flip-flops
are physical ones, not "logic cells".
"""

from __future__ import annotations

from hpq_hls.billing.families import Family

# name, LUTs, DSPs, block RAMs of 36 kbit; every LUT has two flip-flops.
_ZYNQ_7000 = """
    xc7z007s 14400 66 50      xc7z012s 34400 120 72     xc7z014s 40600 170 107    xc7z010 17600 80 60
    xc7z015 46200 160 95      xc7z020 53200 220 140     xc7z030 78600 400 265     xc7z035 171900 900 500
    xc7z045 218600 900 545    xc7z100 277400 2020 755
"""
_SPARTAN_7 = """
    xc7s6 3750 10 5           xc7s15 8000 20 10         xc7s25 14600 80 45        xc7s50 32600 120 75
    xc7s75 48000 140 90       xc7s100 64000 160 120
"""
_ARTIX_7 = """
    xc7a12t 8000 40 20        xc7a15t 10400 45 25       xc7a25t 14600 80 45       xc7a35t 20800 90 50
    xc7a50t 32600 120 75      xc7a75t 47200 180 105     xc7a100t 63400 240 135    xc7a200t 134600 740 365
"""
_KINTEX_7 = """
    xc7k70t 41000 240 135     xc7k160t 101400 600 325   xc7k325t 203800 840 445   xc7k355t 222600 1440 715
    xc7k410t 254200 1540 795  xc7k420t 260600 1680 835  xc7k480t 298600 1920 955
"""
_VIRTEX_7 = """
    xc7v585t 364200 1260 795     xc7v2000t 1221600 2160 1292  xc7vx330t 204000 1120 750
    xc7vx415t 257600 2160 880    xc7vx485t 303600 2800 1030   xc7vx550t 346400 2880 1180
    xc7vx690t 433200 3600 1470   xc7vx980t 612000 3600 1500   xc7vx1140t 712000 3360 1880
"""
_KINTEX_ULTRASCALE = """
    xcku025 145440 1152 360   xcku035 203128 1700 540   xcku040 242400 1920 600   xcku060 331680 2760 1080
    xcku085 497520 4100 1620  xcku095 537600 768 1680   xcku115 663360 5520 2160
"""
_VIRTEX_ULTRASCALE = """
    xcvu065 358080 600 1260   xcvu080 445760 672 1421   xcvu095 537600 768 1728   xcvu125 716160 1200 2520
    xcvu160 926400 1560 3276  xcvu190 1074240 1800 3780 xcvu440 2532960 2880 2520
"""
_KINTEX_ULTRASCALE_PLUS = """
    xcku3p 162720 1368 360    xcku5p 216960 1824 480    xcku9p 274080 2520 912    xcku11p 298560 2928 600
    xcku13p 341280 3528 744   xcku15p 522720 1968 984   xcku19p 842400 1080 1728
"""
_VIRTEX_ULTRASCALE_PLUS = """
    xcvu3p 394080 2280 720    xcvu5p 600577 3474 1024   xcvu7p 788160 4560 1440   xcvu9p 1182240 6840 2160
    xcvu11p 1296000 9216 2016 xcvu13p 1728000 12288 2688 xcvu31p 439680 2880 672  xcvu33p 439680 2880 672
    xcvu35p 871680 5952 1344  xcvu37p 1303680 9024 2016 xcvu45p 871680 5952 1344  xcvu47p 1303680 9024 2016
    xcvu57p 1303680 9024 2016 xcvu23p 1029600 1320 2112 xcvu29p 1728000 12288 2688
    xcvu19p 4085760 3840 2160
"""
_ALVEO = """
    xcu50 871680 5952 1344    xcu55c 1303680 9024 2016  xcu200 1182240 6840 2160  xcu250 1728000 12288 2688
    xcu280 1303680 9024 2016
"""
_ZYNQ_ULTRASCALE_PLUS = """
    xczu1cg 37440 216 108     xczu1eg 37440 216 108     xczu2cg 47232 240 150     xczu2eg 47232 240 150
    xczu3cg 70560 360 216     xczu3eg 70560 360 216     xczu3tcg 72000 576 144    xczu3teg 72000 576 144
       xczu4cg 87840 728 128     xczu4eg 87840 728 128
    xczu4ev 87840 728 128     xczu5cg 117120 1248 144   xczu5eg 117120 1248 144   xczu5ev 117120 1248 144
    xczu6cg 214604 1973 714   xczu6eg 214604 1973 714   xczu7cg 230400 1728 312   xczu7eg 230400 1728 312
    xczu7ev 230400 1728 312   xczu9cg 274080 2520 912   xczu9eg 274080 2520 912   xczu11eg 298560 2928 600
    xczu15eg 341280 3528 744  xczu17eg 423403 1590 796  xczu19eg 522720 1968 984
"""
_RFSOC = """
    xczu21dr 425280 4272 1080 xczu25dr 310088 3145 792  xczu27dr 425280 4272 1080 xczu28dr 425280 4272 1080
    xczu29dr 425280 4272 1080 xczu39dr 425280 4272 1080 xczu42dr 223680 1872 648  xczu43dr 425280 4272 1080
    xczu46dr 425280 4272 1080 xczu47dr 425280 4272 1080 xczu48dr 425280 4272 1080 xczu49dr 425280 4272 1080
    xczu63dr 180000 1200 500  xczu64dr 150000 1872 450  xczu65dr 223680 1872 648  xczu67dr 223680 1872 648
"""
_SPARTAN_ULTRASCALE_PLUS = """
    xcsu10p 5000 24 48        xcsu25p 10000 36 48       xcsu35p 16320 48 48
"""
_ARTIX_ULTRASCALE_PLUS = """
    xcau7p 37440 216 108      xcau10p 44000 400 100     xcau15p 77760 576 144     xcau20p 109000 900 200
    xcau25p 141000 1200 300
"""
_VERSAL_AI_EDGE = """
    xcve1752 448512 1312 954  xcve2002 20000 90 24      xcve2102 36608 176 47     xcve2202 105000 324 108
    xcve2302 150272 464 155   xcve2602 375000 984 476   xcve2802 520704 1312 600
"""
_VERSAL_AI_CORE = """
    xcvc1502 372352 1032 848  xcvc1702 448512 1312 954  xcvc1802 725000 1600 800  xcvc1902 899840 1968 967
    xcvc2602 375000 984 476   xcvc2802 520704 1312 600
"""
_VERSAL_PRIME = """
    xcvm1102 150272 464 155   xcvm1302 321536 848 503   xcvm1402 565760 1696 1150 xcvm1502 448512 1312 954
    xcvm1802 899840 1968 967  xcvm2202 520704 1312 600  xcvm2302 719872 1904 1405 xcvm2502 900224 3984 1341
    xcvm2902 1020928 2672 1981
"""
_KRIA = "xck24 70560 360 216  xck26 117120 1248 144"
# Of these a LUT has one flip-flop, and block RAMs are of 18 kbit.
_ECP5 = """
    lfe5u-12f 12000 28 32     lfe5u-25f 24288 28 56     lfe5u-45f 43848 72 108    lfe5u-85f 83640 156 208
    lfe5um-25f 24288 28 56    lfe5um-45f 43848 72 108   lfe5um-85f 83640 156 208
    lfe5um5g-25f 24288 28 56  lfe5um5g-45f 43848 72 108 lfe5um5g-85f 83640 156 208
"""
# Of these block RAMs are of 4 kbit.
_ICE40 = """
    ice40lp384 384 0 0        ice40lp640 640 0 8        ice40lp1k 1280 0 16       ice40lp4k 3520 0 20
    ice40lp8k 7680 0 32       ice40hx1k 1280 0 16       ice40hx4k 3520 0 20       ice40hx8k 7680 0 32
    ice40up3k 2800 4 20       ice40up5k 5280 8 30
"""

LINES = (
    ("Zynq-7000", Family.SERIES_7, "DS190", _ZYNQ_7000),
    ("Spartan-7", Family.SERIES_7, "DS180", _SPARTAN_7),
    ("Artix-7", Family.SERIES_7, "DS180", _ARTIX_7),
    ("Kintex-7", Family.SERIES_7, "DS180", _KINTEX_7),
    ("Virtex-7", Family.SERIES_7, "DS180", _VIRTEX_7),
    ("Kintex UltraScale", Family.ULTRASCALE, "DS890", _KINTEX_ULTRASCALE),
    ("Virtex UltraScale", Family.ULTRASCALE, "DS890", _VIRTEX_ULTRASCALE),
    ("Kintex UltraScale+", Family.ULTRASCALE_PLUS, "DS890", _KINTEX_ULTRASCALE_PLUS),
    ("Virtex UltraScale+", Family.ULTRASCALE_PLUS, "DS890", _VIRTEX_ULTRASCALE_PLUS),
    ("Zynq UltraScale+ MPSoC", Family.ULTRASCALE_PLUS, "DS891", _ZYNQ_ULTRASCALE_PLUS),
    ("Zynq UltraScale+ RFSoC", Family.ULTRASCALE_PLUS, "DS889", _RFSOC),
    ("Kria", Family.ULTRASCALE_PLUS, "DS985, DS987", _KRIA),
    ("Alveo", Family.ULTRASCALE_PLUS, "DS962, DS963, DS965, DS978", _ALVEO),
    ("Spartan UltraScale+", Family.ULTRASCALE_PLUS, "DS890", _SPARTAN_ULTRASCALE_PLUS),
    ("Artix UltraScale+", Family.ULTRASCALE_PLUS, "DS890", _ARTIX_ULTRASCALE_PLUS),
    ("Versal AI Edge", Family.VERSAL, "DS950", _VERSAL_AI_EDGE),
    ("Versal AI Core", Family.VERSAL, "DS950", _VERSAL_AI_CORE),
    ("Versal Prime", Family.VERSAL, "DS950", _VERSAL_PRIME),
    ("ECP5", Family.ECP5, "FPGA-DS-02012", _ECP5),
    ("iCE40", Family.ICE40, "FPGA-DS-02029, FPGA-DS-02008", _ICE40),
)
"""Product line, family, data sheet, and a table of it: name, LUTs, DSP blocks, and block RAMs as data sheets
count them (36 kbit each of AMD's)."""

BOARDS = {
    "pynq-z1": "xc7z020clg400-1",
    "pynq-z2": "xc7z020clg400-1",
    "zedboard": "xc7z020clg484-1",
    "zybo-z7-10": "xc7z010clg400-1",
    "zybo-z7-20": "xc7z020clg400-1",
    "arty-a7-35": "xc7a35ticsg324-1l",
    "arty-a7-100": "xc7a100tcsg324-1",
    "arty-s7-50": "xc7s50csga324-1",
    "zc702": "xc7z020clg484-1",
    "zc706": "xc7z045ffg900-2",
    "kc705": "xc7k325tffg900-2",
    "vc707": "xc7vx485tffg1761-2",
    "ultra96": "xczu3eg-sbva484-1-i",
    "kv260": "xck26-sfvc784-2lv-c",
    "zcu102": "xczu9eg-ffvb1156-2-e",
    "zcu104": "xczu7ev-ffvc1156-2-e",
    "zcu111": "xczu28dr-ffvg1517-2-e",
    "alveo-u50": "xcu50-fsvh2104-2-e",
    "alveo-u200": "xcu200-fsgd2104-2-e",
    "alveo-u250": "xcu250-figd2104-2l-e",
    "kd240": "xck24-ubva530-2lv-c",
    "kr260": "xck26-sfvc784-2lv-c",
    "zcu208": "xczu48dr-fsvg1517-2-e",
    "zcu216": "xczu49dr-ffvf1760-2-e",
    "rfsoc4x2": "xczu48dr-ffvg1517-2-e",
    "xem8320": "xcau25p-ffvb676-2-e",
    "vck190": "xcvc1902-vsva2197-2mp-e-s",
    "vek280": "xcve2802-vsvh1760-2mp-e-s",
    "ulx3s-85f": "lfe5u-85f-6bg381c",
    "orangecrab": "lfe5u-25f-8mg285c",
    "colorlight-i5": "lfe5u-25f-6bg381c",
    "icestick": "ice40hx1k-tq144",
    "hx8k-breakout": "ice40hx8k-ct256",
    "icebreaker": "ice40up5k-sg48i",
    "upduino": "ice40up5k-sg48i",
}
"""Boards people name instead of a part, only to tell them the part's name."""
