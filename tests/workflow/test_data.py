"""Reading data files."""

import numpy as np
import pytest

from hpq_hls.errors import DataError
from hpq_hls.workflow import load_dataset


def test_npz_holds_x_and_y(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.ones((3, 2), np.uint8), y=[0, 1, 2], more=[1])
    data = load_dataset(tmp_path / "d.npz", "test", "here")
    assert data.x.dtype == np.uint8
    assert data.y.tolist() == [0, 1, 2]
    assert len(data) == 3


def test_npy_holds_x_alone(tmp_path):
    np.save(tmp_path / "d.npy", np.ones((3, 2)))
    data = load_dataset(tmp_path / "d.npy", "test", "here")
    assert data.x.shape == (3, 2)
    assert data.y is None


def test_calibration_labels_are_not_even_looked_at(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.ones((3, 2)), y=["a", "b", "c"])
    assert load_dataset(tmp_path / "d.npz", "calibration", "here", scored=False).y is None
    with pytest.raises(DataError, match="encode the labels as class numbers"):
        load_dataset(tmp_path / "d.npz", "test", "here")


def test_objects_are_never_unpickled(tmp_path):
    np.save(tmp_path / "d.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="never unpickled"):
        load_dataset(tmp_path / "d.npy", "test", "here")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"\x93NUMPY\x01"])
def test_torn_files(tmp_path, content):
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"d\.npz"):
        load_dataset(tmp_path / "d.npz", "test", "here")


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "d.npz").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        load_dataset(tmp_path / "d.npz", "test", "here")
