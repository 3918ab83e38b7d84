"""How well an object is followed: against the simulator, which knows where it is in every picture.

    python -m spatial_llava_ros.evaluation.tracking --help

    static     a camera that goes round things at rest
    moving     a thing that is pushed over the table
    occluder   another thing passes between camera and object
    removed    the object is taken away
    twins      the same object stands a second time beside it, and something passes before both
Each starts from one lift of the true mask in the first picture, as an answer of `locate` would.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import thread_time

import numpy as np

from spatial_llava_ros.evaluation.graph import shifted
from spatial_llava_ros.evaluation.lift import CHI2_95, true_proposals
from spatial_llava_ros.geometry import transform_object
from spatial_llava_ros.lift import lift
from spatial_llava_ros.sim.camera import SimCamera, camera_path, default_view
from spatial_llava_ros.sim.layouts import LAYOUTS, make_scene
from spatial_llava_ros.sim.rendering import render
from spatial_llava_ros.sim.scene import Placed, Scene
from spatial_llava_ros.sim.truth import SimFrame
from spatial_llava_ros.tracking import Tracker, TrackState
from spatial_llava_ros.types import Object3D

RATE = 15.0
FRAMES = 32
MIN_PIXELS = 400
IN_VIEW = 0.5  # share of the object that must be seen before it is held against a tracker that it does not see it
PUSH = 0.15  # m/s


@dataclass(frozen=True, eq=False)
class Story:
    """What happens before the camera: a scene and a camera pose (4, 4) for each picture, and who is followed."""

    name: str
    moments: Sequence[tuple[Scene, np.ndarray]]
    target: int
    twin: int = 0


def candidates(scene: Scene, pose: np.ndarray, camera: SimCamera) -> list[int]:
    """Ids of the things that stand free on their support and are seen well, the largest first."""
    shot = render(scene, pose, camera, 1)
    height, width = shot.instance.shape
    carriers = {o.supporter for o in shot.objects} | {o.container for o in shot.objects}
    good = [
        o
        for o in shot.objects
        if o.pixels >= MIN_PIXELS and o.visible_fraction > 0.8 and o.id not in carriers and not o.container
        and not o.supporter and o.size.max() < 0.5
        and o.box_amodal[0] > 4 and o.box_amodal[1] > 4 and o.box_amodal[2] < width - 4 and o.box_amodal[3] < height - 4
    ]  # fmt: skip
    return [o.id for o in sorted(good, key=lambda o: -o.pixels)]


def _placed(scene: Scene, number: int) -> Placed:
    return next(o for o in scene.objects if o.id == number)


def _moved(placed: Placed, step: np.ndarray, number: int) -> Placed:
    motion = np.eye(4)
    motion[:3, 3] = step
    return replace(
        placed, id=number, world_from_model=motion @ placed.world_from_model,
        world_from_object=motion @ placed.world_from_object,
    )  # fmt: skip


def _with(scene: Scene, *more: Placed) -> Scene:
    return replace(scene, objects=(*scene.objects, *more), cache={})


def _without(scene: Scene, number: int) -> Scene:
    """The scene with one object sunk below the floor, so that the others keep their numbers."""
    return shifted(scene, number, np.array([0.0, 0.0, -20.0]))


def _next_id(scene: Scene) -> int:
    return max(o.id for o in scene.objects) + 1


def static(scene: Scene, pose: np.ndarray, target: int) -> Story:
    """The camera goes along a third of its path round the scene."""
    path = camera_path(scene, 3 * FRAMES)
    nearest = int(np.argmin([np.linalg.norm(p[:3, 3] - pose[:3, 3]) for p in path]))
    first = int(np.clip(nearest, 0, len(path) - FRAMES))
    return Story("static", [(scene, p) for p in path[first : first + FRAMES]], target)


def moving(scene: Scene, pose: np.ndarray, target: int) -> Story:
    """The object rests, is pushed to the side where there is more room, and rests again."""
    own = _placed(scene, target)
    others = [o for o in scene.objects if o.id != target and o.world_from_object[2, 3] > 0]
    reach = 0.5 * np.linalg.norm(own.size[:2])
    best, room = np.zeros(3), -1.0
    for angle in np.arange(8) * np.pi / 4:
        direction = np.array([np.cos(angle), np.sin(angle), 0.0])
        end = own.world_from_object[:3, 3] + 0.3 * direction
        if np.linalg.norm(end[:2] - np.asarray(scene.focus)[:2]) > 0.45:
            continue
        way = [own.world_from_object[:3, 3] + s * direction for s in (0.1, 0.2, 0.3)]
        clear = min(
            (np.linalg.norm(w[:2] - o.world_from_object[:2, 3]) - 0.5 * np.linalg.norm(o.size[:2]) - reach
             for w in way for o in others), default=1.0,
        )  # fmt: skip
        if clear > room:
            best, room = direction, clear
    in_the_way = [
        o.id
        for o in others
        for s in (0.1, 0.2, 0.3)
        if np.linalg.norm((own.world_from_object[:3, 3] + s * best - o.world_from_object[:3, 3])[:2])
        < reach + 0.5 * np.linalg.norm(o.size[:2]) + 0.01
    ]
    for number in set(in_the_way):
        scene = _without(scene, number)
    moments = []
    for k in range(FRAMES):
        way = PUSH * np.clip(k - 10, 0, FRAMES - 20) / RATE
        moments.append((shifted(scene, target, way * best), pose))
    return Story("moving", moments, target)


def _passing(scene: Scene, pose: np.ndarray, target: int) -> Callable[[int], Placed]:
    """Another thing of the scene that flies past between the camera and the object, by picture."""
    middle = _placed(scene, target).world_from_object[:3, 3]
    large = max(
        (o for o in scene.objects if o.id != target and o.size.max() < 0.6 and o.world_from_object[2, 3] > 0),
        key=lambda o: o.size[0] * o.size[2],
    )
    place = middle + 0.45 * (pose[:3, 3] - middle)
    side = pose[:3, 0]
    number = _next_id(scene)

    def at(k: int) -> Placed:
        way = 0.6 * (2 * k / (FRAMES - 1) - 1)
        return _moved(large, place + way * side - large.world_from_object[:3, 3], number)

    return at


def occluder(scene: Scene, pose: np.ndarray, target: int) -> Story:
    """Something passes between camera and object."""
    passing = _passing(scene, pose, target)
    return Story("occluder", [(_with(scene, passing(k)), pose) for k in range(FRAMES)], target)


def removed(scene: Scene, pose: np.ndarray, target: int) -> Story:
    """The object is gone from the second third on."""
    gone = _without(scene, target)
    return Story("removed", [(scene if k < FRAMES // 3 else gone, pose) for k in range(FRAMES)], target)


def twins(scene: Scene, pose: np.ndarray, target: int) -> Story:
    """The same object a second time, a centimetre beside the first as the camera sees them; something passes by."""
    own = _placed(scene, target)
    side = pose[:3, 0] * [1, 1, 0]
    side /= np.linalg.norm(side)
    along = np.abs(own.world_from_object[:2, :2].T @ side[:2]) @ own.size[:2]
    gap = min(float(along), float(np.linalg.norm(own.size[:2]))) + 0.01
    towards = np.asarray(scene.focus)[:2] - own.world_from_object[:2, 3]
    step = gap * side * (1.0 if towards @ side[:2] > 0 else -1.0)
    there = own.world_from_object[:3, 3] + step
    number = _next_id(scene)
    for other in scene.objects:
        apart = np.linalg.norm((other.world_from_object[:3, 3] - there)[:2])
        if other.id != target and apart < 0.5 * (np.linalg.norm(other.size[:2]) + np.linalg.norm(own.size[:2])):
            scene = _without(scene, other.id)
    pair = _with(scene, _moved(own, step, number))
    passing = _passing(pair, pose, target) if len(pair.objects) > 2 else None
    moments = [(pair if passing is None else _with(pair, passing(k)), pose) for k in range(FRAMES)]
    return Story("twins", moments, target, number)


STORIES: Mapping[str, Callable[[Scene, np.ndarray, int], Story]] = {
    "static": static, "moving": moving, "occluder": occluder, "removed": removed, "twins": twins,
}  # fmt: skip


def play(story: Story, camera: SimCamera) -> Iterator[SimFrame]:
    """The pictures of a story."""
    for k, (scene, pose) in enumerate(story.moments):
        yield render(scene, pose, camera, round((1 + k / RATE) * 1e9))


@dataclass
class TrackScore:
    """How a tracker did.

    Attributes:
        errors: metres between true and tracked centre, of the pictures it said "tracked" in.
        first_error: metres, of the lift that it started from, one a story.
        inside: of them, how many true centres were inside the stated 95 % ellipsoid.
        in_view, tracked: pictures in which the object was to be seen, and of them those it was tracked in.
        absent, claimed: pictures in which nothing of it was to be seen, and of them those it was "tracked" in.
        lost_after: seconds from the object's removal to "lost"; NaN where never.
        switches: stories that ended nearer to the twin.
        milliseconds: of processor time a picture.
    """

    stories: int = 0
    errors: list[float] = field(default_factory=list)
    first_error: list[float] = field(default_factory=list)
    inside: int = 0
    in_view: int = 0
    tracked: int = 0
    absent: int = 0
    claimed: int = 0
    lost_after: list[float] = field(default_factory=list)
    switches: int = 0
    milliseconds: list[float] = field(default_factory=list)


def first_lift(shot: SimFrame, target: int) -> Object3D | None:
    """The target lifted from its true mask, stated in the world; None where it has no depth."""
    proposals, objects = true_proposals(shot)
    for region, item in zip(proposals.regions, objects, strict=True):
        if item.id == target:
            found = lift(shot.frame, region, proposals)
            frame = shot.frame
            if found.position is None:
                return None
            return transform_object(found, frame.world_from_camera, frame.world_frame_id)
    return None


def score_story(
    shots: Iterable[SimFrame], target: int, score: TrackScore, twin: int = 0, told: Callable | None = None
) -> None:
    """Follow the target through the pictures of a story and count.

    Args:
        told: called with each picture and what the tracker said of it.
    """
    tracker = None
    gone = None
    lost = float("nan")
    switched, item = False, None
    for shot in shots:
        by_id = {o.id: o for o in shot.objects}
        if tracker is None:
            found = first_lift(shot, target)
            if found is None:
                return
            score.stories += 1
            tracker = Tracker(found)
            score.first_error.append(float(np.linalg.norm(found.position - by_id[target].position)))
        start = thread_time()
        now = tracker.update(shot.frame)
        score.milliseconds.append(1e3 * (thread_time() - start))
        if told is not None:
            told(shot, now)
        said = now.state is TrackState.TRACKED
        item = by_id.get(target)
        if item is None:
            score.absent += 1
            score.claimed += said
            if gone is None:
                gone = shot.frame.stamp
            if now.state is TrackState.LOST and np.isnan(lost):
                lost = (shot.frame.stamp - gone) * 1e-9
            continue
        if item.visible_fraction > IN_VIEW:
            score.in_view += 1
            score.tracked += said
        if said:
            off = now.object.position - item.position
            score.errors.append(float(np.linalg.norm(off)))
            score.inside += float(off @ np.linalg.solve(now.object.covariance[:3, :3], off)) < CHI2_95
            if twin in by_id:
                switched = np.linalg.norm(off) > np.linalg.norm(now.object.position - by_id[twin].position)
    score.switches += bool(switched)
    if item is None:  # gone for good
        score.lost_after.append(lost)


def evaluate(
    layouts: Sequence[str], scenes: int, seed: int, kinds: Sequence[str], camera: SimCamera, each: int = 2
) -> dict[str, TrackScore]:
    """Play every kind of story in scenes of some layouts, with so many objects of each as targets."""
    scores = {kind: TrackScore() for kind in kinds}
    for layout in layouts:
        for number in range(seed, seed + scenes):
            scene = make_scene(layout, number)
            pose = default_view(scene)
            for target in candidates(scene, pose, camera)[:each]:
                for kind in kinds:
                    story = STORIES[kind](scene, pose, target)
                    score_story(play(story, camera), target, scores[kind], story.twin)
    return scores


def row(score: TrackScore) -> dict[str, float]:
    """The figures of a table."""

    def rank(values: Sequence[float], q: float) -> float:
        return float(np.percentile(values, q)) if len(values) else float("nan")

    return {
        "stories": score.stories,
        "first lift, median (mm)": 1e3 * rank(score.first_error, 50),
        "error, median (mm)": 1e3 * rank(score.errors, 50),
        "error, p95 (mm)": 1e3 * rank(score.errors, 95),
        "inside 95 % ellipsoid (%)": 100 * score.inside / max(len(score.errors), 1),
        "tracked when in view (%)": 100 * score.tracked / max(score.in_view, 1),
        "claimed when absent (%)": 100 * score.claimed / max(score.absent, 1),
        "lost after (s), median": rank([s for s in score.lost_after if np.isfinite(s)], 50),
        "switches": score.switches,
        "processor time (ms), median": rank(score.milliseconds, 50),
    }


def main(args: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layouts", nargs="+", default=["tabletop"], choices=LAYOUTS)
    parser.add_argument("--scenes", type=int, default=3, help="of each layout")
    parser.add_argument("--seed", type=int, default=700, help="of the first scene")
    parser.add_argument("--stories", nargs="+", default=list(STORIES), choices=list(STORIES))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(args)
    scores = evaluate(given.layouts, given.scenes, given.seed, given.stories, SimCamera())
    rows = {kind: row(score) for kind, score in scores.items()}
    if given.json:
        print(json.dumps(rows))
        return
    print(f"{'':<30}" + "".join(f"{kind:>10}" for kind in rows))
    for name in next(iter(rows.values())):
        print(f"{name:<30}" + "".join(f"{rows[kind][name]:>10.1f}" for kind in rows))


if __name__ == "__main__":
    main()
