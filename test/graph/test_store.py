import errno
import json
import os

import numpy as np
import pytest

from spatial_llava_ros.errors import MemoryFileError
from spatial_llava_ros.graph.memory import SceneMemory
from spatial_llava_ros.graph.store import load_memory, save_memory

from .world import Thing, eye, see

THINGS = {1: Thing(0.0, 0.3, hue=1), 2: Thing(0.1, -0.3, (0.3, 0.2, 0.1), hue=2)}


@pytest.fixture
def memory():
    out = SceneMemory()
    for k in range(8):
        out.update(*see(THINGS, eye(0.1 * k), 1 + k / 5, 0.003, seed=k))
    return out


@pytest.fixture
def saved(memory, tmp_path):
    path = tmp_path / "map.json"
    assert save_memory(memory, path) == 2
    return path


def test_what_is_read_is_what_was_written(memory, saved):
    memory.relabel(min(memory.tracks), "mug")
    save_memory(memory, saved)
    back = load_memory(saved)
    for old, new in zip(memory.objects(), back.objects(), strict=True):
        assert (old.object.id, old.object.label, old.source, old.observations) == (
            new.object.id, new.object.label, new.source, new.observations,
        )  # fmt: skip
        assert np.array_equal(old.object.position, new.object.position)
        assert np.array_equal(old.object.covariance, new.object.covariance)
        assert old.labels == new.labels
    back.update(*see(THINGS, eye(0.0), 99.0))  # and it goes on from there
    assert set(back.tracks) == set(memory.tracks)
    assert back.tracks.next_id == memory.tracks.next_id


@pytest.mark.parametrize("fails", ["write", "fsync", "replace"])
def test_full_disk_leaves_the_old_file(memory, saved, monkeypatch, fails):
    before = saved.read_bytes()

    def no_space(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    if fails == "write":
        monkeypatch.setattr(json, "dump", no_space)
    else:
        monkeypatch.setattr(os, fails, no_space)
    with pytest.raises(MemoryFileError, match="No space left"):
        save_memory(memory, saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]  # nothing half-written is left behind


def test_folder_that_is_not_there(memory, tmp_path):
    with pytest.raises(MemoryFileError, match="nowhere"):
        save_memory(memory, tmp_path / "nowhere" / "map.json")
    with pytest.raises(MemoryFileError, match="No such file"):
        load_memory(tmp_path / "map.json")


def change(**values):
    return lambda content: content.update(values)


def change_object(**values):
    return lambda content: content["objects"][0].update(values)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (change(version=0), "version 0"),
        (change(version=99), "version 99"),
        (change(format="else"), "not a saved"),
        (change(objects=None), "damaged"),
        (change(next_id=1), "damaged"),
        (change_object(position=[0, 0]), "position"),
        (change_object(position=[0, 0, None]), "position"),
        (change_object(size=[-1, 1, 1]), "size"),
        (change_object(covariance=np.zeros((3, 3)).tolist()), "covariance"),
        (change_object(label=7), "damaged"),
        (change_object(named_by="?"), "named_by"),
        (change_object(id=2), "damaged"),
        (lambda content: content["objects"][0].pop("size"), "size"),
    ],
)
def test_spoilt_file_is_refused_and_says_why(saved, spoil, why):
    content = json.loads(saved.read_text())
    spoil(content)
    saved.write_text(json.dumps(content))
    with pytest.raises(MemoryFileError, match=why):
        load_memory(saved)


def test_file_of_the_first_version_is_read(memory, saved):
    content = json.loads(saved.read_text())
    content["version"] = 1
    for item in content["objects"]:
        del item["looks"], item["evidence"]
    saved.write_text(json.dumps(content))
    back = load_memory(saved)
    assert [n.object.id for n in back.objects()] == [n.object.id for n in memory.objects()]
    for k in range(10):
        back.update(*see(THINGS, eye(0.1 * k), 9 + k / 5, 0.003, seed=k))
    assert [n.object.id for n in back.objects()] == [n.object.id for n in memory.objects()]


@pytest.mark.parametrize("cut", [0, 1, 100, -1])
def test_cut_file_is_refused(saved, cut):
    saved.write_bytes(saved.read_bytes()[:cut])
    with pytest.raises(MemoryFileError, match="damaged"):
        load_memory(saved)


def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "map.json"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(MemoryFileError, match="damaged"):
        load_memory(path)
