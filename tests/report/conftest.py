"""A summary in its plain form, small and complete."""

import copy

import pytest

LAYERS = [
    {
        "name": "pixels",
        "kind": "input",
        "weight_type": None,
        "weight_width": None,
        "channel_shift": 0,
        "activation_type": "ap_ufixed<5,1,AP_RND,AP_SAT>",
        "activation_width": 5,
        "weights": 0,
        "parameters": 0,
        "weight_bits": 0,
    },
    {
        "name": "conv1",
        "kind": "Conv2d + ReLU",
        "weight_type": "ap_fixed<3,2,AP_RND,AP_SAT>",
        "weight_width": 3,
        "channel_shift": 2,
        "activation_type": "ap_ufixed<4,2,AP_RND,AP_SAT>",
        "activation_width": 4,
        "weights": 72,
        "parameters": 80,
        "weight_bits": 272,
    },
]
POINT = {
    "accuracy": 0.95,
    "cost": 1234.0,
    "weight_bits": 272,
    "error": 0.01,
    "excess": 0.0,
    "precision": {
        "default": {"weight": 8, "activation": 8},
        "layers": {"pixels": {"activation": 5}, "conv1": {"weight": 3, "activation": 4}},
    },
}
TEST = {
    "samples": 360,
    "float_accuracy": 0.9917,
    "accuracy": 0.9861,
    "drop": 0.0056,
    "float_interval": [0.9758, 0.9972],
    "interval": [0.9679, 0.9941],
    "drop_interval": [-0.0041, 0.0178],
    "p_value": 0.625,
    "lost": 3,
    "gained": 1,
    "method": "Wilson and Tango intervals, exact McNemar test",
    "confidence": 0.95,
}
CONFIRMATION = {
    "samples": 120,
    "searched": 240,
    "tested": 3,
    "drop": 0.0083,
    "needed": 460,
    "method": "exact paired test",
    "sentence": "not certified: 120 samples are too few; about 460 would do",
}
NETWORK = {
    "name": "digits",
    "input_shape": [1, 8, 8],
    "output_shape": [10],
    "layers": LAYERS,
    "parameters": 80,
    "weight_bits": 272,
    "uniform8_bits": 680,
    "float32_bits": 2560,
    "mean_weight_width": 3.0,
    "origin": "trained",
}
CHECK = {
    "what": "RTL co-simulation",
    "backend": "rtl",
    "scenario": "back_to_back",
    "samples": 16,
    "words_compared": 4321,
    "words_different": 0,
    "passed": True,
    "failures": [],
    "seconds": 1.0,
}
PRECISION = {
    "origin": "search",
    "sentence": "hpq search of 2026-01-01 00:00 UTC (greedy, lut 1,234)",
    "notes": [],
    "target_interval": 128,
}
RESOURCES = {"lut": 2345, "ff": 3456, "dsp": 7, "bram": 5}
HISTOGRAM = {
    "low": -2.625,
    "high": 2.625,
    "counts": [1, 4, 9, 16, 4, 1, 2],
    "least": -1.5,
    "most": 1.5,
    "step": 0.75,
    "outside": 0.0625,
}
TRACE = {
    "split": "test",
    "samples": 256,
    "layers": [
        {
            "name": "conv1",
            "kind": "Conv2d",
            "type": "ap_ufixed<4,2,AP_RND,AP_SAT>",
            "low": -1.0,
            "high": 3.5,
            "mean_error": 0.001,
            "rms_error": 0.0321,
            "max_error": 0.432,
            "sqnr_db": 23.4,
            "saturated": 0.012,
            "values": HISTOGRAM,
            "weights": {**HISTOGRAM, "outside": 0.0},
        },
        {
            "name": "flatten",
            "kind": "Flatten",
            "type": "ap_ufixed<4,2,AP_RND,AP_SAT>",
            "low": 0.0,
            "high": 3.5,
            "mean_error": 0.0,
            "rms_error": 0.0,
            "max_error": 0.0,
            "sqnr_db": None,
            "saturated": 0.0,
            "values": None,
            "weights": None,
        },
    ],
    "precision": PRECISION,
}
KERNEL = {**RESOURCES, "layer": "conv1", "pe": 1, "simd": 1}
STREAM = {"port": "", "type": "ap_ufixed<4,2,AP_RND,AP_SAT>", "lanes": 2, "bits": 8, "beats": 32, "depth": 2}
FLOW = {
    "backend": "rtl",
    "kernels": [
        {**KERNEL, "name": "split", "kind": "fork", "layer": "", "cycles": 64},
        {**KERNEL, "name": "conv1_window", "kind": "window", "cycles": 100},
        {**KERNEL, "name": "conv1_matvec", "kind": "matvec", "cycles": 128, "pe": 4, "simd": 9},
        {**KERNEL, "name": "add_eltwise", "kind": "eltwise", "layer": "add", "cycles": 64},
    ],
    "streams": [
        {**STREAM, "name": "x", "source": "", "target": "split", "port": "s_axis"},
        {**STREAM, "name": "a", "source": "split", "target": "conv1_window"},
        {**STREAM, "name": "b", "source": "conv1_window", "target": "conv1_matvec", "depth": None},
        {**STREAM, "name": "c", "source": "conv1_matvec", "target": "add_eltwise"},
        {**STREAM, "name": "d", "source": "split", "target": "add_eltwise", "depth": 57},
        {**STREAM, "name": "y", "source": "add_eltwise", "target": "", "port": "m_axis"},
    ],
    "slowest": ["conv1_matvec"],
}
SOURCES = {
    "files": {"project.yaml": "project.yaml", "the model": "model.pt2", "the test data": "test.npz"},
    "digests": {"project.yaml": "a" * 64, "the model": "b" * 64, "the test data": "0123456789abcdef" * 4},
    "versions": {"hpq_hls": "1.2.3", "torch": "9.8.7"},
    "commands": ["hpq search project.yaml", "hpq report project.yaml"],
}
SENSITIVITY = [
    {"variables": ["pixels.activation"], "width": 8, "lost": 0.0, "error": 0.0001},
    {"variables": ["pixels.activation"], "width": 5, "lost": 0.0123, "error": 0.01},
    {"variables": ["conv1.weight"], "width": 8, "lost": 0.0, "error": 0.0001},
    {"variables": ["conv1.weight"], "width": 3, "lost": 0.0456, "error": 0.1},
]
SUMMARY = {
    "version": "1.2.3",
    "project": "digits",
    "model": "model.pt2",
    "part": "xc7z020clg400-1",
    "clock_ns": 5.0,
    "io": "stream",
    "backends": ["vitis", "rtl"],
    "network": NETWORK,
    "scores": {
        "metric": "top1",
        "split": "test",
        "samples": 360,
        "float_score": 0.9917,
        "quantized_score": 0.9861,
        "uniform8_score": 0.9889,
        "comparison": TEST,
        "warning": "",
    },
    "guarantee": None,
    "saturation": {
        "calibration": {"pixels": {"count": 0, "total": 6400}, "conv1": {"count": 3, "total": 25600}},
        "test": {"pixels": {"count": 512, "total": 23040}, "conv1": {"count": 92160, "total": 92160}},
    },
    "bops": 98765,
    "estimate": {
        "estimate": {
            **RESOURCES,
            "latency_cycles": 450,
            "interval_cycles": 128,
            "weight_bits": 272,
            "part": "xc7z020",
            "clock_ns": 5.0,
            "stage": "a model of Yosys",
            "backend": "rtl",
            "calibrated": False,
            "cycles_of": "RTL twin, exact",
            "latency_range": None,
            "interval_range": None,
            "limited_by": "conv1_matvec",
            "fmax_mhz": 219.4,
            "fmax_limited_by": "conv1_matvec",
            "layers": [
                {
                    **RESOURCES,
                    "name": "conv1",
                    "kinds": ["window", "matvec"],
                    "cycles": 128,
                    "pe": 4,
                    "simd": 9,
                    "weight_bits": 272,
                }
            ],
        },
        "capacity": {"part": "xc7z020", "lut": 53200, "ff": 106400, "dsp": 220, "bram": 280},
        "precision": PRECISION,
        "misfit": None,
        "modelled": {
            "backend": "vitis",
            "latency_range": [455, 802],
            "interval_range": [146, 148],
            "cycles_of": "a model",
        },
        "fits": True,
    },
    "precision": PRECISION,
    "search": {
        "objective": "lut",
        "metric": "top1",
        "strategy": "greedy",
        "samples": 360,
        "float_accuracy": 0.96,
        "max_drop": 0.01,
        "confidence": 0.9,
        "certified": False,
        "drop_bound": 0.0187,
        "confirmation": CONFIRMATION,
        "identity": "1234",
        "warnings": [],
        "feasible": True,
        "interrupted": False,
        "evaluations": 3,
        "resumed": 1,
        "seconds": 1.5,
        "best": POINT,
        "network": NETWORK,
        "certificate": {"steps": 3, "evaluated": 3, "minimal": True},
        "limits": ["2,345 LUTs of at most 42,560 (80 % of xc7z020)"],
        "test": TEST,
        "uniform": [{**POINT, "cost": 1500.0, "precision": {"layers": {}}}],
        "tuned": None,
        "exported": ["build/pareto.csv", "build/pareto.json"],
        "journal": "build/search.sqlite",
        "pareto": [{**POINT, "accuracy": 0.9, "cost": 1000.0, "precision": {"layers": {}}}, POINT],
        "points": [[0.95, 1234.0], [0.9, 1000.0], [0.2, 2000.0], [0.94, 1300.0]],
        "explored": {
            "variables": ["pixels.activation", "conv1.weight", "conv1.activation"],
            "widths": ["5 3 4", "4 3 4", "8 8 8", "6 3 4"],
            "errors": [0.01, 0.02, 0.9, 0.011],
        },
        "sensitivity": SENSITIVITY,
        "cost_of": "LUT + 55 DSP",
        "file": "build/precision.yaml",
        "precision": PRECISION,
    },
    "verify": {
        "checks": [
            {**CHECK, "what": "C simulation", "backend": "vitis", "scenario": None, "words_compared": 2000},
            CHECK,
        ],
        "latency_cycles": 452,
        "interval_cycles": 146,
        "clock_ns": 5.0,
        "passed": True,
        "precision": PRECISION,
        "schedules": [
            {
                "backend": "vitis",
                "depths": [2, 8, 24],
                "interval_cycles": [146, 148],
                "latency_cycles": [455, 802],
                "beats": 180,
                "missing": 0,
                "deadlock": None,
            }
        ],
        "notes": ["co-simulation runs 3 of the 64 chosen frames"],
        "coverage": {
            "samples": 64,
            "layers": [
                {
                    "name": "conv1",
                    "kind": "Conv2d",
                    "goals": {
                        "below": {"reached": 4, "total": 4},
                        "high": {"reached": 0, "total": 3},
                        "weight": {"reached": 71, "total": 72},
                    },
                    "least": -200,
                    "lowest": -120,
                    "highest": 130,
                    "most": 210,
                    "share": 0.625,
                }
            ],
            "unreached": [
                "conv1: high saturation never reached",
                "conv1: 1 of 72 weights never counted",
            ],
        },
        "certificates": [
            {
                "backend": "rtl",
                "kernels": [
                    {
                        "name": "fc1_matvec",
                        "layer": "fc1",
                        "kind": "matvec",
                        "proof": "all inputs",
                        "why": "every coefficient by a basis",
                        "checked": 12345,
                        "different": 0,
                        "first": "",
                    },
                    {
                        "name": "x",
                        "layer": "",
                        "kind": "fifo",
                        "proof": "sampled",
                        "why": "random beats",
                        "checked": 67,
                        "different": 0,
                        "first": "",
                    },
                ],
                "tools": ["Verilator"],
                "digest": "0",
                "passed": True,
            }
        ],
    },
    "trace": TRACE,
    "external": None,
    "synth": [],
    "confusion": {
        "split": "test",
        "classes": 3,
        "counts": [[0, 0, 118], [0, 2, 3], [1, 1, 120], [2, 2, 119]],
        "float_counts": [[0, 0, 119], [0, 2, 2], [1, 1, 120], [2, 2, 119]],
    },
    "flow": FLOW,
    "sources": SOURCES,
    "outdated": [],
}


@pytest.fixture
def summary():
    return copy.deepcopy(SUMMARY)


@pytest.fixture
def failed(summary):
    """The same with one word different."""
    check = summary["verify"]["checks"][1]
    check.update(words_different=3, passed=False, failures=["packet 2, beat 0: <b>expected</b> 7, got 8"])
    summary["verify"]["passed"] = False
    return summary


@pytest.fixture
def compared(summary):
    """The project beside one that is smaller and worse."""
    row = {
        "label": "project.yaml",
        "network": summary["network"],
        "scores": summary["scores"],
        "estimate": summary["estimate"]["estimate"],
        "capacity": summary["estimate"]["capacity"],
        "guarantee": None,
        "precision": summary["precision"],
        "misfit": None,
        "trace": summary["trace"],
        "flow": summary["flow"],
    }
    other = copy.deepcopy(row) | {"label": "<b>pareto</b>:1"}
    other["scores"]["quantized_score"] = 0.95
    other["estimate"].update(lut=1111, dsp=2)
    other["network"]["layers"][1]["weight_width"] = 2
    other["trace"]["layers"][0]["sqnr_db"] = 12.3
    return {"rows": [row, other]}
