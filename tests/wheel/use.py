"""From a torch module to both verified backends with the installed hpq_hls; says as JSON what differs."""

import json

import numpy as np
import torch

import hpq_hls as hpq

torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3)).eval()
x = np.random.default_rng(0).normal(size=(16, 6)).astype(np.float32)

q = hpq.quantize(hpq.from_torch(net, torch.zeros(1, 6)), x, precision=6)
raw = q.predict_raw(x)
csim = hpq.generate(q, "vitis", backend="vitis").csim(x)
cosim = hpq.generate(q, "rtl", backend="rtl").cosim(x[:4]).raw
print(
    json.dumps(
        {
            "words": raw.size,
            "distinct": len(np.unique(raw)),
            "csim_differs": int(np.count_nonzero(csim != raw)),
            "cosim_words": cosim.size,
            "cosim_differs": int(np.count_nonzero(cosim != raw[:4])),
        }
    )
)
