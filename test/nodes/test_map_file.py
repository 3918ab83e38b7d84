"""A scene that is kept from run to run."""

from __future__ import annotations

import errno
import os
from dataclasses import replace

import pytest

from spatial_llava_ros.nodes.map_file import MapFile
from spatial_llava_ros.nodes.scene import Scene


@pytest.fixture(scope="module")
def lived(simulated):
    scene = Scene()
    for k in range(9):
        scene.integrate(replace(simulated.frame, stamp=(100 + k) * 200_000_000))
    assert len(scene.memory) >= 3
    return scene


def ids(scene):
    return [node.object.id for node in scene.objects()]


def test_what_was_kept_is_taken_up(lived, tmp_path):
    path = tmp_path / "new folder" / "home.json"
    assert MapFile(str(path), 0).load(Scene()) == ""  # nothing yet is no trouble
    assert MapFile(str(path), 0).save(lived) == ""
    fresh, kept = Scene(), MapFile(str(path), 0)
    assert str(len(lived.memory)) in kept.load(fresh) and not kept.trouble
    assert ids(fresh) == ids(lived)
    before = path.stat().st_mtime_ns
    assert kept.save(fresh) == "" and path.stat().st_mtime_ns == before  # nothing new, nothing written


def test_unusable_file_is_moved_aside_and_never_lost(lived, tmp_path):
    path = tmp_path / "home.json"
    for number, text in enumerate(("{", "", '{"format": "else"}')):
        path.write_text(text)
        scene, kept = Scene(), MapFile(str(path), 0)
        assert "moved to" in kept.load(scene) and kept.trouble
        assert ids(scene) == [] and not path.exists()
        assert (tmp_path / f"home.json.unusable{number + 1 if number else ''}").read_text() == text
        assert kept.save(lived) == "" and kept.trouble == ""
        assert MapFile(str(path), 0).load(Scene())


def test_map_of_another_frame_is_moved_aside(lived, tmp_path):
    path = tmp_path / "home.json"
    MapFile(str(path), 0).save(lived)
    kept = MapFile(str(path), 0)
    assert "odom" in kept.load(Scene("odom")) and kept.trouble
    assert len(list(tmp_path.glob("*.unusable"))) == 1


def test_full_disk_is_said_and_the_old_file_stays(lived, tmp_path, monkeypatch):
    path = tmp_path / "home.json"
    path.write_text("before")
    kept = MapFile(str(path), 0)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
    assert "No space left" in kept.save(lived)
    assert kept.trouble and path.read_text() == "before"
    monkeypatch.undo()
    assert kept.save(lived) == "" and kept.trouble == ""


def test_it_saves_when_due(lived, tmp_path):
    path = tmp_path / "home.json"
    MapFile(str(path), 3600).save_if_due(lived)
    MapFile(str(path), 0).save_if_due(lived)
    assert not path.exists()
    MapFile(str(path), 1e-9).save_if_due(lived)
    assert path.exists()
