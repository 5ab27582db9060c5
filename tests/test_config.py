"""project.yaml <-> settings: what is accepted, and what every mistake is answered with."""

# ruff: noqa: E501  # a row of the table of mistakes reads best on one line

import inspect
import re
from pathlib import Path

import pytest

from hpq_hls.errors import ConfigError
from hpq_hls.finetune import finetune
from hpq_hls.fixed import FixedType
from hpq_hls.quantize import LayerPrecision, QuantizerOptions
from hpq_hls.search import search
from hpq_hls.search.errors import SettingError
from hpq_hls.search.limits import Limits
from hpq_hls.settings.config import load_config, read_precision

LEAST = "model: {source: model.pt2}\ndata: {calibration: calib.npz}\n"
DESIGNED = """\
model: {source: model.pt2}
data:  {calibration: calib.npz, validation: val.npz, test: test.npz}
precision: {default: {weight: 8, activation: 8}, layers: {fc1: {weight: 4}}}
search: {objective: lut, max_drop: 0.005, strategy: sensitivity, weight_bits: [2, 3, 4, 6, 8],
         activation_bits: [3, 4, 6, 8], metric: top1, seed: 0}
hardware: {backends: [vitis, rtl], part: xc7z020clg400-1, clock_ns: 5.0, io: stream,
           target_interval: null, layers: {conv1: {pe: 4, simd: 9}}}
output: build
"""


def write(folder: Path, text: str, name: str = "project.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def message(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    text = str(caught.value)
    assert "\n" not in text
    return text.replace(f"{path.parent}/", "")


def test_the_least_file_has_a_default_for_everything_else(tmp_path):
    settings = load_config(write(tmp_path, LEAST)).settings
    assert settings.hardware.backends == ("vitis", "rtl")
    assert settings.hardware.part == "xc7z020clg400-1"
    assert settings.hardware.clock_ns == 5.0
    assert settings.search.objective == "lut"
    assert settings.output == "build"
    assert settings.precision.to_precision().default == LayerPrecision(weight=8, activation=8)


def test_the_designed_file_is_read_in_full(tmp_path):
    project = load_config(write(tmp_path, DESIGNED))
    settings = project.settings
    assert settings.data.test == "test.npz"
    assert settings.precision.to_precision().layers["fc1"] == LayerPrecision(weight=4)
    assert settings.search.weight_bits == (2, 3, 4, 6, 8)
    assert settings.search.max_drop == 0.005
    assert settings.hardware.folding() == {"conv1": {"pe": 4, "simd": 9}}
    assert settings.hardware.target_interval is None
    assert project.output == tmp_path / "build"


@pytest.mark.parametrize(
    "text",
    [
        LEAST,
        DESIGNED,
        LEAST + "precision: widths.yaml\n",
        LEAST + "precision: 'ap_fixed<8,2,AP_RND,AP_SAT>'\n",
        "name: 'true'\nmodel: {factory: 'nets.small:make', weights: w.pt}\ndata: {calibration: 'a b: c.npz'}\n",
        LEAST
        + "search: {objective: {lut: 1, bram: 200.5}, metric: 'own.scores:f', limits: {throughput: 1.5e4, dsp: 3}}\n",
        LEAST
        + "search: {rounding: [AP_RND, AP_TRN], layers: {f: {weight: [4, 2], activation: {min: 3}, rounding: AP_RND}}}\n",
        LEAST
        + "search: {groups: [[a, b.weight], [c, d]], evaluations: 50, finetune: yes}\nfinetune: {loss: mse}\n",
        LEAST + "quantizer: {scaling: range, per_channel: on, weight_rounding: nearest, overflow: AP_WRAP}\n",
        LEAST + "precision: {layers: {f: {weight: 'ap_fixed<4,1>', activation: 6, rounding: AP_TRN}}}\n",
        LEAST + "precision: {layers: {'0': 3, '1.10': {weight: 2, bias: 9}}}\noutput: '~/x'\n",
    ],
)
def test_settings_survive_being_written_and_read(tmp_path, text):
    first = load_config(write(tmp_path, text)).settings
    second = load_config(write(tmp_path, first.to_yaml(), "again.yaml")).settings
    assert first == second


@pytest.mark.parametrize("written", ["null", "", "~"])
def test_confidence_may_be_nothing(tmp_path, written):
    settings = load_config(write(tmp_path, LEAST + f"search:\n  confidence: {written}\n")).settings
    assert settings.search.confidence is None
    assert settings.search.arguments(tmp_path)["confidence"] is None
    assert load_config(write(tmp_path, settings.to_yaml(), "again.yaml")).settings == settings


def test_sections_may_be_empty_because_all_keys_are_commented_out(tmp_path):
    text = LEAST + "precision:\nsearch:\n  # seed: 1\nhardware:\n  layers:\n"
    assert load_config(write(tmp_path, text)).settings == load_config(write(tmp_path, LEAST)).settings


def test_layer_names_are_taken_as_written(tmp_path):
    text = LEAST + "precision:\n  layers:\n    0: 4\n    1.10: 3\n    no: 2\n"
    assert list(load_config(write(tmp_path, text)).settings.precision.layers) == ["0", "1.10", "no"]


def test_merge_keys_and_anchors_work(tmp_path):
    text = (
        LEAST
        + "hardware:\n  layers:\n    a: &fast {pe: 2, simd: 2}\n    b:\n      <<: *fast\n      simd: 4\n"
    )
    layers = load_config(write(tmp_path, text)).settings.hardware.folding()
    assert layers == {"a": {"pe": 2, "simd": 2}, "b": {"pe": 2, "simd": 4}}


def test_a_folder_stands_for_its_project_yaml(tmp_path):
    write(tmp_path, LEAST)
    assert load_config(tmp_path).settings.model.source == "model.pt2"


def test_paths_start_from_the_file(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    write(tmp_path / "deep", LEAST)
    monkeypatch.chdir(tmp_path)
    project = load_config("deep/project.yaml")
    assert project.path("model.pt2") == Path("deep/model.pt2")
    assert project.path("/data/model.pt2") == Path("/data/model.pt2")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "project.yaml: is empty; start from"),
        ("- 1\n", "project.yaml, line 1: holds [1] where a mapping belongs"),
        ("model: {\n", "project.yaml, line 2: not valid YAML"),
        ("model:\n\tsource: x\n", "project.yaml, line 2: not valid YAML"),
        (LEAST + "data: {calibration: x}\n", "project.yaml, line 3: key data appears twice; remove one of them"),
        (LEAST + "a: &a\n  - *a\n", "project.yaml, line 3: the alias contains itself"),
        (LEAST + "? [1]\n: 2\n", "project.yaml, line 3: a key must be a name"),
        ("data: {calibration: c.npz}\n", "project.yaml, line 1: model is missing; add it"),
        ("model: {source: m.onnx}\ndata: {test: c}\n", "line 2: data.calibration is missing; add it"),
        ("modl: {source: a.pt2}\n" + LEAST, "line 1: modl is no known key; did you mean 'model'?"),
        (LEAST + "hardware:\n  io: stream\n  clok_ns: 4\n", "line 5: hardware.clok_ns is no known key; did you mean 'clock_ns'?"),
        (LEAST + "hardware:\n  layers:\n    c1: {pee: 4}\n", "line 5: hardware.layers.c1.pee is no known key; did you mean 'pe'?"),
        (LEAST + "precision:\n  layers:\n    f: {wieght: 4}\n", "line 5: precision.layers.f.wieght is no known key; did you mean 'weight'?"),
        (LEAST + "search: {zzz: 4}\n", "search.zzz is no known key; known keys are objective, max_drop"),
        (LEAST + "precision: 0\n", "line 3: precision.default.weight asks for 0 bits; widths go from 1 to 32"),
        (LEAST + "precision:\n  layers:\n    f: 33\n", "line 5: precision.layers.f.weight asks for 33 bits; widths go from 1 to 32"),
        (LEAST + "precision: {layers: {f: {weight: 4.5}}}\n", "precision.layers.f.weight is 4.5; give a whole number of bits from 1 to 32"),
        (LEAST + "precision: {layers: {f: {weight: yes}}}\n", "precision.layers.f.weight is True; give a whole number"),
        (LEAST + "precision: {default: {weight: ap_fixd}}\n", "is 'ap_fixd', which is neither a number of bits nor an ap_fixed type"),
        (LEAST + "precision: {file: a.yaml, default: 4}\n", "precision names a file and widths too; keep one of them"),
        (LEAST + "search:\n  weight_bits: [2, 40]\n", "line 4: search.weight_bits[1] asks for 40 bits"),
        (LEAST + "search: {weight_bits: []}\n", "search.weight_bits is []; it must not be empty"),
        (LEAST + "search: {weight_bits: [2, 2]}\n", "search.weight_bits is [2, 2]; list each one only once"),
        (LEAST + "search: {max_drop: -1}\n", "search.max_drop is -1; it must be at least 0"),
        (LEAST + "search: {max_drop: lots}\n", "search.max_drop is 'lots'; it must be a number"),
        (LEAST + "search: {max_drop: yes}\n", "search.max_drop is True; give a number"),
        (LEAST + "search: {objective: luts}\n", "search.objective is 'luts'; did you mean 'lut'?"),
        (LEAST + "search: {strategy: qqq}\n", "search.strategy is 'qqq'; choose one of auto"),
        (LEAST + "search:\n  objective:\n    lut: 1\n    brams: 2\n", "line 6: search.objective.brams is no objective; did you mean 'bram'?"),
        (LEAST + "search:\n  objective:\n    lut: 0\n", "line 5: search.objective.lut is 0; a weight is a number above 0"),
        (LEAST + "search: {objective: [lut]}\n", "search.objective is ['lut']; give a name, or a mapping"),
        (LEAST + "search: {objective: {}}\n", "search.objective is empty; give a weight to one or more of lut, ff"),
        (LEAST + "search: {metric: top_5}\n", "search.metric is 'top_5'; did you mean 'top1'?"),
        (LEAST + "search: {metric: f1}\n", "search.metric is 'f1'; choose one of top1, mse, mae, auc, top5 (any number), or package.module:function"),
        (LEAST + "search:\n  metric: auc\n  max_drop: 2\n", "line 5: search.max_drop is 2.0; it is a part of the area under the curve from 0 to 1"),
        (LEAST + "search:\n  limits:\n    utilisation: 80\n", "line 5: search.limits.utilisation is 80; it is a share of the part, more than 0 and up to 1"),
        (LEAST + "search: {limits: {utilization: 0.8}}\n", "search.limits.utilization is no known key; did you mean 'utilisation'?"),
        (LEAST + "search: {limits: {dsp: 1.5}}\n", "search.limits.dsp is 1.5; it must be a whole number"),
        (LEAST + "search: {limits: {latency_us: fast}}\n", "search.limits.latency_us is 'fast'; give a number"),
        (LEAST + "search: {limits: 0.8}\n", "search.limits is 0.8; it must be a mapping with keys such as utilisation, lut"),
        (LEAST + "search:\n  layers:\n    fc: {wieght: 4}\n", "line 5: search.layers.fc.wieght is no known key; did you mean 'weight'?"),
        (LEAST + "search:\n  layers:\n    fc:\n      weight: 40\n", "line 6: search.layers.fc.weight is 40; widths are whole numbers from 1 to 32"),
        (LEAST + "search:\n  layers:\n    fc:\n      weight: [4, 0]\n", "line 6: search.layers.fc.weight holds 0; widths are"),
        (LEAST + "search: {layers: {fc: {weight: {min: 5, max: 4}}}}\n", "search.layers.fc.weight has min 5 above max 4; swap them"),
        (LEAST + "search: {layers: {fc: {weight: {mni: 5}}}}\n", "search.layers.fc.weight has the unknown key 'mni'; bounds are written {min: 3, max: 6}"),
        (LEAST + "search:\n  activation_bits: [4, 6]\n  layers:\n    fc:\n      activation: {min: 7}\n", "line 7: search.layers.fc.activation leaves none of the widths [4, 6] between 7 and 32; widen"),
        (LEAST + "search: {layers: {fc: {rounding: AP_RNDD}}}\n", "search.layers.fc.rounding holds 'AP_RNDD'; did you mean AP_RND?"),
        (LEAST + "search: {layers: {fc: 4}}\n", "search.layers.fc is 4; it must be a mapping with keys such as weight, activation, rounding"),
        (LEAST + "search: {rounding: [AP_TRN, up]}\n", "search.rounding holds 'up'; rounding modes are AP_TRN, AP_TRN_ZERO, AP_RND"),
        (LEAST + "search: {groups: fc1}\n", "search.groups is 'fc1'; it must be a list in [ ]"),
        (LEAST + "search: {groups: [fc1, fc2]}\n", "search.groups[0] is 'fc1'; it must be a list in [ ]"),
        (LEAST + "search:\n  groups:\n    - [a, b]\n    - [fc1]\n", "line 6: search.groups[1] is [fc1]; name two or more that share a type"),
        (LEAST + "search: {evaluations: 0}\n", "search.evaluations is 0; it must be at least 1"),
        (LEAST + "search:\n  evaluations: -1\n", "line 4: search.evaluations is -1; it must be at least 1"),
        (LEAST + "search: {evaluations: 1.5}\n", "search.evaluations is 1.5; it must be a whole number"),
        (LEAST + "search: {evaluations: true}\n", "search.evaluations is True; it must be a whole number"),
        (LEAST + "search: {evaluations: x}\n", "search.evaluations is 'x'; it must be a whole number"),
        (LEAST + "search:\n  confidence: 1.5\n", "line 4: search.confidence is 1.5; give a probability from 0.5 to 0.995, or None (null) for the drop on the validation data alone"),
        (LEAST + "search: {confidence: 1}\n", "search.confidence is 1; give a probability from 0.5 to 0.995"),
        (LEAST + "search: {confidence: 90}\n", "search.confidence is 90; give a probability"),
        (LEAST + "search: {confidence: 0.4}\n", "search.confidence is 0.4; give a probability"),
        (LEAST + "search: {confidence: -1}\n", "search.confidence is -1; give a probability"),
        (LEAST + "search: {confidence: .nan}\n", "search.confidence is nan; give a probability"),
        (LEAST + "search: {confidence: true}\n", "search.confidence is True; give a probability"),
        (LEAST + "search: {confidence: high}\n", "search.confidence is 'high'; give a probability"),
        (LEAST + "search: {confidence: [0.9]}\n", "search.confidence is [0.9]; give a probability"),
        (LEAST + "search:\n  effort: fats\n", "line 4: search.effort is 'fats'; choose fast or full"),
        (LEAST + "search: {effort: 1}\n", "search.effort is 1; choose fast or full"),
        (LEAST + "search: {effort: null}\n", "search.effort is None; choose fast or full"),
        (LEAST + "search: {seed: -1}\n", "search.seed is -1; it must be at least 0"),
        (LEAST + "search: {seed: 1.5}\n", "search.seed is 1.5; it must be a whole number"),
        (LEAST + "search: {seed: true}\n", "search.seed is True; it must be a whole number"),
        (LEAST + "search: {seed: x}\n", "search.seed is 'x'; it must be a whole number"),
        (LEAST + "search: {jobs: 0}\n", "search.jobs is 0; give a number of jobs, or -1 for one per processor"),
        (LEAST + "search: {jobs: 1.5}\n", "search.jobs is 1.5; it must be a whole number"),
        (LEAST + "search: {memory_mib: .nan}\n", "search.memory_mib is nan; it must be a finite number"),
        (LEAST + "search: {memory_mib: -1}\n", "search.memory_mib is -1; it must be at least 0"),
        (LEAST + "search: {max_drop: .nan}\n", "search.max_drop is nan; it must be a finite number"),
        (LEAST + "hardware: {clock_ns: .nan}\n", "hardware.clock_ns is nan; it must be a finite number"),
        (LEAST + "hardware: {clock_ns: 1.0e-9}\n", "hardware.clock_ns is 1e-09; it must be at least 0.1"),
        (LEAST + "hardware: {clock_ns: 1.0e+300}\n", "hardware.clock_ns is 1e+300; it must be at most 1000000"),
        (LEAST + "search: {finetune: 1}\n", "search.finetune is 1; write true or false"),
        (LEAST + "finetune: {loss: l1}\n", "finetune.loss is 'l1'; choose one of distillation, combined, imitation, cross_entropy, mse"),
        (LEAST + "finetune: {epochs: 0}\n", "finetune.epochs is 0; it must be at least 1"),
        (LEAST + "quantizer: {rounding: AP_RDN}\n", "quantizer.rounding is 'AP_RDN'; did you mean"),
        (LEAST + "quantizer: {per_channel: maybe}\n", "quantizer.per_channel is 'maybe'; write true or false"),
        (LEAST + "quantizer: {scalin: range}\n", "quantizer.scalin is no known key; did you mean 'scaling'?"),
        (LEAST + "precision: {layers: {f: {rounding: AP_RDN}}}\n", "precision.layers.f.rounding is 'AP_RDN'; did you mean"),
        (LEAST + "search: 5\n", "search is 5; it must be a mapping with keys such as objective"),
        (LEAST + "hardware: {backends: rtl}\n", "hardware.backends is 'rtl'; it must be a list in [ ]"),
        (LEAST + "hardware: {backends: [rtl, rtl]}\n", "hardware.backends is [rtl, rtl]; list each one only once"),
        (LEAST + "hardware: {backends: [rlt]}\n", "hardware.backends[0] is 'rlt'; did you mean 'rtl'?"),
        (LEAST + "hardware: {part: xc9999}\n", "line 3: hardware.part is 'xc9999'"),
        (LEAST + "hardware: {clock_ns: 0}\n", "hardware.clock_ns is 0; it must be at least 0.1"),
        (LEAST + "hardware: {clock_ns: .inf}\n", "hardware.clock_ns is inf; it must be a finite number"),
        (LEAST + "hardware: {target_interval: 0}\n", "hardware.target_interval is 0; it must be at least 1"),
        (LEAST + "hardware: {target_interval: 1.5}\n", "hardware.target_interval is 1.5; it must be a whole number"),
        (LEAST + "hardware: {layers: {c: {strategy: fold}}}\n", "hardware.layers.c.strategy is 'fold'; did you mean 'folded'?"),
        (LEAST + "hardware: {strategy: unroled}\n", "hardware.strategy is 'unroled'; did you mean 'unrolled'?"),
        (LEAST + "hardware: {multipliers: fabrik}\n", "hardware.multipliers is 'fabrik'; did you mean 'fabric'?"),
        (LEAST + "hardware: {tlast: ignore}\n", "hardware.tlast is 'ignore'; did you mean 'ignored'?"),
        (LEAST + "hardware: {layers: {c: {multiplier: luts}}}\n", "hardware.layers.c.multiplier is 'luts'; did you mean 'lut'?"),
        (LEAST + "hardware: {control: axilite}\n", "hardware.control is 'axilite'; did you mean 's_axilite'?"),
        (LEAST + "hardware: {memory: ddr}\n", "hardware.memory is 'ddr'; choose one of axis, m_axi"),
        (LEAST + "hardware: {memory: m_axi}\n", "memory m_axi and control none exclude each other"),
        (LEAST + "hardware: {backends: [vivado], memory: m_axi, control: s_axilite}\n", "backend vivado and memory m_axi exclude"),
        (LEAST + "hardware: {export: bitstream}\n", "hardware.export is 'bitstream'; choose one of none, syn, impl"),
        (LEAST + "hardware: {clock_uncertainty: 5}\n", "clock_uncertainty is 5ns, and nothing is left of a period of 5 ns"),
        (LEAST + "hardware: {clock_uncertainty: 120%}\n", "clock_uncertainty is 120%, and nothing is left"),
        (LEAST + "hardware: {clock_uncertainty: some}\n", "clock_uncertainty is 'some'; give nanoseconds such as 0.5"),
        (LEAST + "hardware: {ip: {vendor: 'a:b'}}\n", "ip.vendor is 'a:b'; give an identifier such as example.com"),
        (LEAST + "hardware: {ip: {version: 1.0}}\n", "ip.version is 1.0; give x.y or x.y.z, such as 1.0 (in quotes in a YAML file)"),
        (LEAST + "hardware: {ip: {version: '1'}}\n", "ip.version is '1'; give x.y or x.y.z"),
        (LEAST + "hardware: {ip: {display_name: '[exec rm]'}}\n", "ip.display_name is '[exec rm]'; give letters"),
        (LEAST + "hardware:\n  ip: {vendr: a}\n", "line 4: hardware.ip.vendr is no known key; did you mean 'vendor'?"),
        (LEAST + "hardware: {layers: [1]}\n", "hardware.layers is [1]; it must be a mapping of names"),
        (LEAST + "output: 3\n", "output is 3; it must be text"),
        ("model: {source: w.pt}\ndata: {calibration: c}\n", "model has source 'w.pt'; give a .pt2 file"),
        ("model: {source: a.pt2, factory: 'a:b'}\ndata: {calibration: c}\n", "model needs either source"),
        ("model: {source: a.pt2, weights: w.pt}\ndata: {calibration: c}\n", "model has weights without factory"),
        ("model: {factory: makes}\ndata: {calibration: c}\n", "model has factory 'makes'; write it as package.module:function"),
    ],
)  # fmt: skip
def test_every_mistake_is_answered_with_place_and_remedy(tmp_path, text, expected):
    assert expected in message(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    assert "project.yaml does not exist" in message(tmp_path / "project.yaml")


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "project.yaml"
    path.write_bytes(b"model: \xff\xfe")
    assert "is not UTF-8 text (byte 7)" in message(path)


def test_precision_files_may_be_flat_wrapped_or_structured(tmp_path):
    for text in (
        "fc: {weight: 3}\n",
        "layers: {fc: {weight: 3}}\n",
        "precision: {layers: {fc: {weight: 3}}}\n",
    ):
        precision, _, _ = read_precision(write(tmp_path, text, "p.yaml"))
        assert precision.layers["fc"] == LayerPrecision(weight=3)


def test_a_precision_file_may_hold_types(tmp_path):
    precision, _, _ = read_precision(write(tmp_path, "default: 'ap_fixed<6,2>'\n", "p.yaml"))
    assert precision.default.weight == FixedType(6, 2)


def test_mistakes_in_a_precision_file_have_its_own_lines(tmp_path):
    path = write(tmp_path, "# widths\nconv1: 4\nfc: {weight: 99}\n", "p.yaml")
    with pytest.raises(ConfigError, match=r"p\.yaml, line 3: layers\.fc\.weight asks for 99 bits"):
        read_precision(path)


def test_a_precision_file_that_is_not_there_yet_is_explained(tmp_path):
    project = load_config(write(tmp_path, LEAST + "precision: build/precision.yaml\n"))
    with pytest.raises(
        ConfigError, match=r"line 3: precision names build/precision.yaml, which does not exist"
    ):
        project.precision()


def test_settings_of_a_search_are_its_arguments(tmp_path):
    (tmp_path / "own.py").write_text("def score(outputs, targets):\n    return 1.0\n")
    text = """\
search:
  objective: {lut: 1, bram: 200}
  confidence: 0.95
  effort: fast
  metric: own:score
  limits: {utilisation: 0.8, latency_us: 3}
  rounding: [AP_RND, AP_TRN]
  layers: {fc1: {weight: [4, 2], activation: {min: 3}}, fc2: {weight: 8, rounding: AP_RND}}
  groups: [[fc1.weight, fc2.weight]]
  jobs: 2
"""
    project = load_config(write(tmp_path, LEAST + text))
    given = project.settings.search.arguments(project.folder)
    assert given.pop("metric").name == "own:score"
    assert given == {
        "objective": {"lut": 1, "bram": 200},
        "max_drop": 0.01,
        "cluster": None,
        "confidence": 0.95,
        "effort": "fast",
        "limits": Limits(utilisation=0.8, latency_us=3.0),
        "weight_bits": tuple(range(1, 17)),
        "activation_bits": tuple(range(2, 17)),
        "rounding": ("AP_TRN", "AP_RND"),
        "layers": {
            "fc1": {"weight": (4, 2), "activation": {"min": 3}},
            "fc2": {"weight": 8, "rounding": ("AP_RND",)},
        },
        "groups": (("fc1.weight", "fc2.weight"),),
        "strategy": given["strategy"],
        "evaluations": None,
        "seed": 0,
        "n_jobs": 2,
        "memory_mib": 256.0,
        "output": None,
    }
    assert set(given) | {"metric"} <= set(inspect.signature(search).parameters)


def test_the_examples_of_the_documentation_are_valid(tmp_path):
    text = (Path(__file__).parent.parent / "docs" / "searching.md").read_text(encoding="utf-8")
    examples = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert len(examples) >= 4
    for example in examples:
        load_config(write(tmp_path, LEAST + example))


def test_defaults_are_those_of_python(tmp_path):
    settings = load_config(write(tmp_path, LEAST)).settings
    assert settings.quantizer.options() == QuantizerOptions()
    parameters = inspect.signature(search).parameters
    given = settings.search.arguments(tmp_path)
    same = set(given) - {"metric", "limits", "layers", "n_jobs"}
    assert {name: given[name] for name in same} == {name: parameters[name].default for name in same}
    assert given["metric"].name == parameters["metric"].default
    trained = inspect.signature(finetune).parameters
    assert settings.finetune.model_dump() == {
        name: trained[name].default for name in settings.finetune.model_dump()
    }


def test_what_turns_out_wrong_later_has_its_line(tmp_path):
    text = "search:\n  groups:\n    - [fc1, fc2]\n    - [fc3, fc9]\n"
    project = load_config(write(tmp_path, LEAST + text))
    with pytest.raises(ConfigError) as caught, project.blamed("search"):
        raise SettingError(("groups", 1, 1), "is no layer; remove it")
    assert str(caught.value) == f"{tmp_path}/project.yaml, line 6: search.groups[1][1] is no layer; remove it"


def test_where_points_at_the_nearest_key_in_the_file(tmp_path):
    project = load_config(write(tmp_path, LEAST + "hardware:\n  layers:\n    fc: {pe: 2}\n"))
    assert project.where("hardware", "layers", "fc").endswith("project.yaml, line 5: hardware.layers.fc")
    assert project.where("hardware", "part").endswith("project.yaml, line 3: hardware.part")


EXTENSION = """\
from dataclasses import dataclass
from hpq_hls.extend import Operator, operator, spelled_in_torch

@operator
@dataclass(frozen=True, eq=False)
class {name}(Operator):
    kind = "{name}"
    power: int = 2

    def output_shape(self, shapes): return shapes[0]
    def compute(self, inputs, weight, bias, scratch): return inputs[0] ** self.power
    def differentiable(self, inputs, weight, bias): return inputs[0] ** self.power
    def range(self, inputs, weight, bias): raise NotImplementedError
    def lower(self, build): raise NotImplementedError
"""


def test_extensions_are_imported_from_the_folder(tmp_path):
    from hpq_hls.ops.base import OPERATORS

    (tmp_path / "bringsops").mkdir()
    (tmp_path / "bringsops/__init__.py").write_text(EXTENSION.format(name="Brought"))
    load_config(write(tmp_path, LEAST + "extensions: [bringsops]\n"))
    assert OPERATORS["Brought"].__module__ == "bringsops"
    load_config(write(tmp_path, LEAST + "extensions: [bringsops]\n"))


def test_extensions_that_cannot_be_imported(tmp_path):
    text = LEAST + "extensions: [json, missing_package]\n"
    assert message(write(tmp_path, text)) == (
        "project.yaml, line 3: extensions[1] names the package missing_package, whose import fails with "
        "ModuleNotFoundError: No module named 'missing_package'; correct the name or the package"
    )
    (tmp_path / "failing.py").write_text("1 / 0")
    assert "fails with ZeroDivisionError: division by zero" in message(
        write(tmp_path, LEAST + "extensions: [failing]\n")
    )
    (tmp_path / "taken.py").write_text(EXTENSION.format(name="Conv2d"))
    assert "there are two operators Conv2d, in hpq_hls.ops.conv and taken" in message(
        write(tmp_path, LEAST + "extensions: [taken]\n")
    )
