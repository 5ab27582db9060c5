"""What earlier commands found out, kept for later ones."""

import numpy as np
import pytest
import torch
from torch import nn

from hpq_hls.errors import OutputError
from hpq_hls.fixed import FixedType
from hpq_hls.frontends import from_torch
from hpq_hls.simulate.layer import LayerSpec
from hpq_hls.simulate.quantized_graph import assemble
from hpq_hls.tools.files import write_file
from hpq_hls.workflow.records import network_fingerprint, read_record, save_record


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_record_comes_back_only_for_what_it_is_about(tmp_path):
    save_record(tmp_path, "verify", "abc", {"words": (1, 2)})
    assert read_record(tmp_path, "verify", "abc") == {"words": [1, 2]}
    assert read_record(tmp_path, "verify", "abd") is None
    assert read_record(tmp_path, "search", "abc") is None


def test_networks_that_differ_in_what_is_stored_have_different_fingerprints():
    kind = FixedType(8, 8)
    graph = from_torch(nn.Linear(2, 2).eval(), torch.zeros(1, 2))
    found = set()
    for shift in (None, [0, 1], [1, 0]):
        spec = LayerSpec(
            weight_raw=np.array([[2, 4], [-2, 6]]),
            weight_type=kind,
            output_type=kind,
            weight_shift=None if shift is None else np.array(shift),
        )
        q = assemble(graph, kind, {graph.nodes[0].name: spec}, np.zeros((1, 2), np.int64))
        found.add(network_fingerprint(q, "settings"))
    assert len(found) == 3


def test_a_torn_record_is_none(tmp_path):
    save_record(tmp_path, "verify", "abc", {})
    (tmp_path / "results" / "verify.json").write_text('{"about": "abc"')
    assert read_record(tmp_path, "verify", "abc") is None


def test_a_file_is_replaced_whole(tmp_path):
    write_file(tmp_path / "a" / "f", "one")
    write_file(tmp_path / "a" / "f", b"two")
    assert (tmp_path / "a" / "f").read_bytes() == b"two"
    assert names(tmp_path / "a") == ["f"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "a").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be made"):
        write_file(tmp_path / "a" / "f", "one")
    (tmp_path / "d").mkdir()
    with pytest.raises(OutputError, match="cannot be written"):
        write_file(tmp_path / "d", "one")
    assert names(tmp_path / "d") == []
    assert names(tmp_path) == ["a", "d"]
