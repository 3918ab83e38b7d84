"""Ids: given when relied on, kept through doubt, handed on to what is the same thing seen better."""

from __future__ import annotations

from spatial_llava_ros.graph.track import new_track
from spatial_llava_ros.graph.tracks import Tracks

from .world import Thing, eye, see


def followed(tracks, count=2):
    things = {n: Thing(0.3 * n - 0.3, 0.0) for n in range(1, count + 1)}
    frame, nodes = see(things, eye(0.0), 1.0)
    out = [new_track(0, node, frame.world_from_camera[:3, 3], frame.stamp, 0) for node in nodes]
    for track in out:
        tracks.admit(track)
    return out


def test_claim_that_is_relied_on_again_has_its_id_back():
    tracks = Tracks()
    a, b = followed(tracks)
    for _ in range(5):
        tracks.confirm(a)
        assert (a.id, tracks.relied_on) == (1, 1)
        tracks.disown(a)
        tracks.confirm(b)
        assert (b.id, a.id < 0, tracks.relied_on) == (2, True, 1)
        tracks.disown(b)
    assert tracks.next_id == 3
    assert set(tracks) == {a.id, b.id}


def test_id_that_was_handed_on_does_not_come_back():
    tracks = Tracks()
    part, whole = followed(tracks)
    tracks.confirm(part)
    tracks.succeed(part, whole)
    assert whole.id == 1 and tracks[1] is whole
    tracks.confirm(part)
    assert part.id == 2
    assert len(tracks) == tracks.relied_on == 2


def test_what_is_disowned_is_told_to_be_gone_until_it_is_back():
    tracks = Tracks()
    (track,) = followed(tracks, 1)
    tracks.confirm(track)
    tracks.told([track.id])
    tracks.disown(track)
    assert tracks.gone == [1]
    tracks.confirm(track)
    assert tracks.gone == []
