"""What the memory of a scene costs, and how fast it follows: time, growth over an hour, things taken away and moved.

    python -m spatial_llava_ros.evaluation.memory --help

Times are of the process's CPU, medians, so that other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import gc
import json
import tracemalloc
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from time import process_time
from types import BuiltinFunctionType, FunctionType, ModuleType

import numpy as np

from spatial_llava_ros.evaluation.graph import (
    fits,
    lifted_things,
    match_map,
    shifted,
    shots_along,
    sightings,
    to_map,
)
from spatial_llava_ros.graph.memory import SceneMemory
from spatial_llava_ros.graph.track import Track
from spatial_llava_ros.nodes.scene import Scene as NodeScene
from spatial_llava_ros.questions import answer_question
from spatial_llava_ros.sim.camera import SimCamera, camera_path
from spatial_llava_ros.sim.layouts import LAYOUTS, make_scene
from spatial_llava_ros.sim.scene import Scene
from spatial_llava_ros.sim.truth import SimFrame, TrueObject
from spatial_llava_ros.types import ObjectState

_NAMES = ("mug", "box", "bottle", "book", "chair", "table", "laptop", "bowl")
_IN_SIGHT = 0.35  # metres from where the camera looks
_FAR = 500.0  # metres off, where nothing else is


def scattered(count: int, around: Sequence[float] = (0.0, 0.0), seed: int = 0) -> list[Track]:
    """Confirmed objects with ids from 1 on a floor, one on each quarter of a square metre."""
    rng = np.random.default_rng(seed)
    side = np.sqrt(count) / 2
    tracks = []
    for number in range(1, count + 1):
        name = _NAMES[rng.integers(len(_NAMES))]
        place = np.array([*(rng.uniform(-side / 2, side / 2, 2) + around), rng.uniform(0, 1)])
        tracks.append(
            Track(
                number,
                place,
                np.eye(3) * 1e-4,
                rng.uniform(-3, 3),
                0.01,
                np.pi,
                rng.uniform(0.05, 0.3, 3),
                np.full(3, 1e-4),
                rng.dirichlet(np.ones(11)),
                (0.0, 0.0, 1.0, 1.0),
                name,
                "model",
                {name: 5.0},
                5,
                ("red",),
                state=ObjectState.CONFIRMED,
                hits=5,
                looks=5.0,
                evidence=5.0,
            )
        )
    return tracks


def remembering(tracks: Sequence[Track]) -> NodeScene:
    """A scene in whose memory these objects are."""
    scene = NodeScene()
    scene.memory.frame_id = "map"
    scene.memory.restore(tracks, len(tracks) + 1)
    scene.renew()
    return scene


def _timed(work: Callable[[], object]) -> float:
    start = process_time()
    work()
    return 1e3 * (process_time() - start)


def update_cost(layout: str, seed: int, frames: int = 20) -> Mapping[str, float]:
    """Milliseconds from pixels to the new graph, and how many things of at least 100 pixels are in view."""
    scene, simulated = NodeScene(), make_scene(layout, seed)
    times, seen = [], []
    for shot in shots_along(simulated, camera_path(simulated, frames), SimCamera()):
        times.append(_timed(lambda shot=shot: scene.integrate(shot.frame)))
        seen.append(sum(item.pixels >= 100 for item in shot.objects))
    cost = float(np.median(times[frames // 4 :]))
    return {
        "in_view": float(np.median(seen)), "remembered": len(scene.memory), "followed": len(scene.memory.tracks),
        "update_ms": round(cost, 1), "updates_per_s": round(1e3 / cost, 2),
    }  # fmt: skip


def flatness(counts: Sequence[int] = (10, 10_000), frames: int = 30) -> Mapping[str, float]:
    """Milliseconds of memory and graph for a picture, by how many objects are remembered out of view."""
    simulated = make_scene("tabletop", 0)
    shots = list(shots_along(simulated, camera_path(simulated, frames), SimCamera()))
    seen = [sightings(shot, "proposed")[0] for shot in shots]
    cost = {}
    for count in counts:
        scene = remembering(scattered(count, (_FAR, 0.0)))
        times = []
        for shot, candidates in zip(shots, seen, strict=True):

            def step(frame=shot.frame, candidates=candidates, scene=scene) -> None:
                scene.memory.update(frame, candidates)
                scene.memory.graph(frame.world_from_camera, limit=100, everywhere=False)

            times.append(_timed(step))
        cost[str(count)] = round(float(np.median(times[frames // 3 :])), 2)
    return cost | {"ratio": round(cost[str(counts[-1])] / cost[str(counts[0])], 3)}


def ask_cost(count: int = 10_000) -> Mapping[str, float]:
    """Milliseconds to answer a question, and to list the things of one name, over many objects."""
    scene = remembering(scattered(count))
    scene.relabel(1, "printer")
    scene.everything()
    questions = (
        "how far is the printer from me?", "what is left of the printer?", "what is nearest to the printer?",
        "how many mugs are there?", "what is between me and the printer?", "is there a red chair?",
    )  # fmt: skip
    cost = {q: min(_timed(lambda q=q: answer_question(q, scene.everything())) for _ in range(3)) for q in questions}
    cost["list mug"] = min(_timed(lambda: scene.objects("mug")) for _ in range(3))
    return {name: round(value, 1) for name, value in cost.items()}


def changes(source: str, seeds: Iterable[int], rate: float = 5.0) -> Mapping[str, object]:
    """Seconds of sight until what was taken away is gone from the map, and what was moved is at its new place.

    After a camera path round a table one thing is taken away and another pushed by 20 cm, and the camera goes back.
    """
    gone, moved = [], []
    for seed in seeds:
        scene = make_scene("tabletop", seed)
        poses = camera_path(scene, round(8 * rate))
        memory = SceneMemory()
        for shot in shots_along(scene, poses, SimCamera(), step_s=1 / rate):
            memory.update(shot.frame, _seen(shot, source))
        free = _free_things(memory, scene, shot)
        places = [(number, item, step) for number, item in free if (step := _free_step(item, scene)) is not None]
        if len(free) < 2 or not places:
            continue
        moved_id, item, step = places[0]
        taken_id, taken = next((number, other) for number, other in free if other.id != item.id)
        after = shifted(shifted(scene, taken.id, np.array([0.0, 0.0, -_FAR])), item.id, step)
        left = arrived = None
        there = replace(item, world_from_object=item.world_from_object.copy())
        there.world_from_object[:3, 3] += step
        for k, later in enumerate(shots_along(after, poses[::-1][: round(4 * rate)], SimCamera(), 100.0, 1 / rate)):
            memory.update(later.frame, _seen(later, source))
            if left is None and taken_id not in memory.tracks:
                left = (k + 1) / rate
            nodes = [node for node in memory.objects() if moved_id not in memory.tracks or node.object.id == moved_id]
            fit = max((fits(node, there) for node in nodes), default=0.0)
            if arrived is None and fit >= 0.25:  # as a map is judged
                arrived = (k + 1) / rate
        gone.append(left if left is not None else np.inf)
        moved.append(arrived if arrived is not None else np.inf)
    return {"source": source, "gone_after_s": gone, "moved_after_s": moved}


def _free_things(memory: SceneMemory, scene: Scene, shot: SimFrame) -> list[tuple[int, TrueObject]]:
    """Remembered things that stand on the table, carry nothing and are in full view, with their ids."""
    carriers = {number for o in scene.objects for number in (o.supporter, o.container)}
    nodes = memory.objects()
    pairs = [(nodes[i].object, shot.objects[j]) for i, j in match_map(nodes, shot.objects)]
    return [
        (obj.id, item)
        for obj, item in pairs
        if item.id not in carriers and not item.supporter and not item.container
        if item.size[2] > 0.04 and item.visible_fraction > 0.9 and np.linalg.norm(obj.position - item.position) < 0.03
    ]


def _free_step(item: TrueObject, scene: Scene) -> np.ndarray | None:
    """A step (3,) of 20 cm to where nothing else stands, the nearest to what the camera looks at, or None."""
    others = [o for o in scene.objects if o.id != item.id]
    steps = 0.2 * np.array([[0.0, 1, 0], [0, -1, 0], [1, 0, 0], [-1, 0, 0]])
    away = np.linalg.norm((item.position + steps - scene.focus)[:, :2], axis=1)
    for step in steps[np.argsort(away)][: np.count_nonzero(away < _IN_SIGHT)]:
        room = [np.linalg.norm((o.world_from_object[:3, 3] - item.position - step)[:2]) for o in others]
        if all(r > (max(o.size) + max(item.size)) / 2 for r, o in zip(room, others, strict=True)):
            return step
    return None


def _seen(shot: SimFrame, source: str):
    return to_map(lifted_things(shot)[0], shot) if source == "lifted" else sightings(shot, source)[0]


def growth(seconds: float = 3600.0, rate: float = 2.0, warm_up: float = 0.25) -> Mapping[str, float]:
    """What a memory holds after a warm-up and at the end of a long stream, and the objects followed at both times.

    Bytes are those that Python has in use once it has collected its garbage: in between it keeps what was freed in
    lists of its own, for the next to come, which makes any stream look as if it grew.

    The camera goes to and fro before a table; each picture is that of one of forty poses with a new stamp and a pose
    that trembles by half a centimetre, and every ten seconds the camera looks at nothing for two.
    """
    simulated = make_scene("tabletop", 0)
    shots = list(shots_along(simulated, camera_path(simulated, 40), SimCamera()))
    seen = [sightings(shot, "proposed")[0] for shot in shots]
    memory, rng = SceneMemory(), np.random.default_rng(0)
    total, out = round(seconds * rate), {}
    tracemalloc.start()
    for k in range(total):
        at = k % (2 * len(shots))
        at = at if at < len(shots) else 2 * len(shots) - 1 - at
        pose = shots[at].frame.world_from_camera.copy()
        pose[:3, 3] += rng.normal(0, 0.005, 3)
        frame = replace(shots[at].frame, stamp=round((k + 1) / rate * 1e9), world_from_camera=pose)
        memory.update(frame, seen[at] if k % round(10 * rate) >= 2 * rate else [])
        memory.graph(pose, limit=100, everywhere=False)
        if k + 1 in (round(warm_up * total), total):
            name = "end" if k + 1 == total else "warm"
            gc.collect()
            out |= {f"{name}_bytes": tracemalloc.get_traced_memory()[0], f"{name}_held": held_by(memory)}
            out |= {f"{name}_followed": len(memory.tracks), f"{name}_ids": memory.tracks.next_id - 1}
    tracemalloc.stop()
    return out | {"growth": round(out["end_bytes"] / out["warm_bytes"] - 1, 4)}


def held_by(memory: SceneMemory) -> int:
    """How many Python objects a memory keeps alive: all that can be reached from it but classes and functions."""
    seen, queue = {id(memory)}, [memory]
    while queue:
        for item in gc.get_referents(queue.pop()):
            if id(item) not in seen and not isinstance(item, type | ModuleType | FunctionType | BuiltinFunctionType):
                seen.add(id(item))
                queue.append(item)
    return len(seen)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure one thing and print it as JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("what", choices=("update", "flat", "ask", "changes", "hour"))
    parser.add_argument("--layouts", nargs="+", default=["shelf"], choices=LAYOUTS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--source", default="proposed", choices=("lifted", "proposed"))
    parser.add_argument("--seconds", type=float, default=3600.0, help="of the stream of `hour`")
    args = parser.parse_args(argv)
    if args.what == "update":
        for layout in args.layouts:
            for seed in args.seeds:
                print(json.dumps({"layout": layout, "seed": seed} | dict(update_cost(layout, seed))), flush=True)
        return 0
    result = {
        "flat": flatness, "ask": ask_cost, "changes": lambda: changes(args.source, args.seeds),
        "hour": lambda: growth(args.seconds),
    }[args.what]()  # fmt: skip
    print(json.dumps(result), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
