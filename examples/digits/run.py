"""From training to verified hardware through the Python interface."""

from pathlib import Path

import numpy as np
import torch
import yaml

import hpq_hls as hpq
from hpq_hls.demo.network import export, load_digits, save_splits, train

HERE = Path(__file__).parent
BUILD = HERE / "build"


def main() -> None:
    digits = load_digits()
    net = train(digits.train, lambda _: None)
    save_splits(digits, BUILD / "data")
    export(net, digits.train.x, BUILD / "model.pt2")

    # Any torch module will do; the example input only tells the shape.
    graph = hpq.from_torch(net, torch.zeros(1, 1, 8, 8), name="digits")
    calibration = digits.train.x[:256]
    found = hpq.search(
        graph, calibration, (digits.validation.x, digits.validation.y), max_drop=0.005, objective="lut"
    )
    print(f"searched {found.evaluations} combinations; {found.objective} {found.best_point.cost:,.0f}")
    precision = found.best_point.precision
    (BUILD / "precision.yaml").write_text(yaml.safe_dump(precision.to_dict()), encoding="utf-8")

    q = hpq.quantize(graph, calibration, precision)  # the same network as found.best
    for name, layer in q.layers.items():
        print(f"  {name:8} weights {layer.weight_type or '-'!s:32} output {layer.output_type}")
    correct = q.predict(digits.test.x).argmax(1) == digits.test.y
    float_correct = graph.predict(digits.test.x).argmax(1) == digits.test.y
    print(f"test accuracy {correct.mean():.4f}, in float {float_correct.mean():.4f}")

    report = hpq.estimate(q, part="xc7z020clg400-1", clock_ns=5.0)
    print(f"{report.lut:,} LUT, {report.ff:,} FF, {report.dsp} DSP, {report.bram} BRAM ({report.stage})")

    hls = hpq.generate(q, BUILD / "vitis", backend="vitis", force=True)
    rtl = hpq.generate(q, BUILD / "rtl", backend="rtl", force=True)
    hls.selfcheck()
    images = digits.test.x[:100]
    np.testing.assert_array_equal(hls.csim(images), q.predict_raw(images))
    result = rtl.cosim(images[:16], scenarios=("back_to_back", "random_gaps", "reset_mid_stream"))
    result.check()
    np.testing.assert_array_equal(result.raw, q.predict_raw(images[:16]))
    print(f"C++ and RTL equal the simulator; latency {result.latency_cycles}, ", end="")
    print(f"interval {result.interval_cycles} cycles. Open {BUILD / 'vitis'} in Vitis.")


if __name__ == "__main__":
    main()
