"""How right the answers to questions are: templates of four benchmarks, asked of simulated scenes whose truth is known.

    python -m spatial_llava_ros.evaluation.questions --frames 60

SpatialLLM (Ma et al. 2025): distance, orientation and perspective. SpatialRGPT-Bench (Cheng et al. 2024): metric
distances and sizes, right within a quarter, and directions, right within an hour of the clock. LocVLM (Ranasinghe et
al. 2024): left or right, above or below, each asked again of the mirrored scene. Only what the truth clearly separates
is asked; margins are stated with each template. Things are named by category, and only categories that occur once.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import permutations

import numpy as np

from spatial_llava_ros.evaluation.graph import lifted_things, true_things
from spatial_llava_ros.evaluation.lift import BOX_LIKE
from spatial_llava_ros.geometry import invert_transform
from spatial_llava_ros.graph.frame_graph import relate
from spatial_llava_ros.language.vocabulary import similar
from spatial_llava_ros.questions import QuestionAnswer, QuestionStatus, Verdict, answer_question
from spatial_llava_ros.questions.names import canonical
from spatial_llava_ros.questions.reply import clock, is_rough
from spatial_llava_ros.sim import SimCamera, default_view, make_scene, render
from spatial_llava_ros.sim.scene import Scene
from spatial_llava_ros.sim.spatial_truth import NO, YES, SpatialTruth
from spatial_llava_ros.sim.truth import SimFrame, TrueObject
from spatial_llava_ros.types import SceneGraph

FAMILIES = (
    "distance", "orientation", "perspective", "metric", "direction", "left/right", "above/below", "relation", "count",
)  # fmt: skip
FRONTS = frozenset(("sofa", "monitor", "laptop", "cabinet"))
"""Categories with one long front, which the simulator builds towards -y of the model.

A chair's box is square: only its backrest says which of four sides is the front, and only where that is seen."""
MIN_PIXELS, MIN_VISIBLE = 400, 0.7


@dataclass(frozen=True, eq=False)
class Case:
    """One question, and the test that its answer must pass.

    Attributes:
        wanted: the right answer in words, for the report.
    """

    family: str
    question: str
    right: Callable[[QuestionAnswer], bool]
    wanted: str


@dataclass(eq=False)
class View3D:
    """The truth of a frame: where the well seen things are for the viewer (forward, left, up), by category.

    Attributes:
        fronts: category -> unit vector on the ground, where it has one.
        unplaced: categories of which something got no depth from the sensor.
    """

    shot: SimFrame
    truth: SpatialTruth
    rows: dict[str, int]
    fronts: dict[str, np.ndarray] = field(default_factory=dict)
    unplaced: frozenset[str] = frozenset()

    def place(self, name: str) -> np.ndarray:
        """(3,) centre of the oriented box."""
        return self._viewer_from_world @ (self.thing(name).position - self.shot.frame.world_from_camera[:3, 3])

    def thing(self, name: str) -> TrueObject:
        """The object of a category."""
        return self.truth.objects[self.rows[name]]

    @property
    def _viewer_from_world(self) -> np.ndarray:
        forward = self.shot.frame.world_from_camera[:3, 2].copy()
        forward[2] = 0
        forward /= np.linalg.norm(forward)
        up = np.array([0.0, 0.0, 1.0])
        return np.stack([forward, np.cross(up, forward), up])

    def to_viewer(self, way: np.ndarray) -> np.ndarray:
        """A world direction in the viewer frame."""
        return self._viewer_from_world @ way


def view_of(shot: SimFrame, scene: Scene, mirror: np.ndarray | None = None) -> View3D:
    """Take the things that are seen well and whose category occurs once; mirror is what was done to the scene."""
    truth = SpatialTruth(shot)
    named: dict[str, list[int]] = {}
    for row, item in enumerate(truth.objects):
        named.setdefault(canonical(item.category), []).append(row)
    height, width = shot.instance.shape
    rows = {}
    for group in named.values():
        item = truth.objects[group[0]]
        x1, y1, x2, y2 = item.box_amodal
        whole = x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height
        if len(group) == 1 and item.pixels >= MIN_PIXELS and item.visible_fraction >= MIN_VISIBLE and whole:
            rows[item.category] = group[0]
    view = View3D(shot, truth, rows)
    fronts = {o.id: -o.world_from_model[:3, 1] for o in scene.objects}
    for name, row in rows.items():
        if name in FRONTS and truth.objects[row].upright:
            front = fronts[truth.objects[row].id]
            view.fronts[name] = view.to_viewer(front if mirror is None else mirror[:3, :3] @ front)
    return view


def mirrored(shot: SimFrame) -> tuple[SimFrame, np.ndarray]:
    """The frame as a mirror shows it, with the truth mirrored along; and the (4, 4) reflection of the world."""
    world, camera, side = np.diag([-1.0, 1, 1, 1]), np.diag([-1.0, 1, 1, 1]), np.diag([1.0, -1, 1, 1])
    frame, width = shot.frame, shot.frame.intrinsics.width
    flipped = replace(
        frame,
        color=np.ascontiguousarray(frame.color[:, ::-1]),
        depth=np.ascontiguousarray(frame.depth[:, ::-1]),
        intrinsics=replace(frame.intrinsics, cx=width - 1 - frame.intrinsics.cx),
        world_from_camera=world @ frame.world_from_camera @ camera,
    )
    objects = tuple(
        replace(
            o,
            box_visible=(width - o.box_visible[2], o.box_visible[1], width - o.box_visible[0], o.box_visible[3]),
            box_amodal=(width - o.box_amodal[2], o.box_amodal[1], width - o.box_amodal[0], o.box_amodal[3]),
            world_from_object=world @ o.world_from_object @ side,
        )
        for o in shot.objects
    )
    return SimFrame(flipped, np.ascontiguousarray(shot.instance[:, ::-1]), objects), world


def graph_of(shot: SimFrame, source: str) -> SceneGraph:
    """The graph of a frame in its camera frame: "true" boxes, or boxes "lifted" from true masks; names are true."""
    nodes, layout, _ = (true_things if source == "true" else lifted_things)(shot)
    if source == "true":
        colors = {o.id: o.color for o in shot.objects}
        nodes = [replace(node, attributes=(colors[node.object.id],)) for node in nodes]
    up = invert_transform(shot.frame.world_from_camera)[:3, 2]
    return SceneGraph(shot.frame.frame_id, shot.frame.stamp, tuple(nodes), tuple(relate(nodes, layout)), np.eye(4), up)


def cases(view: View3D, rng: np.random.Generator, per_family: int = 6) -> list[Case]:
    """Questions about a frame, a few of each family that it allows."""
    found: list[Case] = []
    for template in TEMPLATES:
        made = list(template(view))
        for k in rng.permutation(len(made))[:per_family]:
            found.append(made[int(k)])
    return found


def _says(word: str) -> Callable[[QuestionAnswer], bool]:
    """Right if the answer names this and was given."""
    return lambda answer: answer.status is QuestionStatus.ANSWERED and word in answer.answer


def _verdict(yes: bool) -> Callable[[QuestionAnswer], bool]:
    wanted = Verdict.YES if yes else Verdict.NO
    return lambda answer: answer.verdict is wanted


def _within(value: float, quantity: str, share: float = 0.25) -> Callable[[QuestionAnswer], bool]:
    def right(answer: QuestionAnswer) -> bool:
        said = [e.value for e in answer.evidence if e.quantity == quantity]
        return bool(said) and abs(said[0] - value) <= share * value

    return right


def _answered(answer: QuestionAnswer) -> bool:
    return answer.status is QuestionStatus.ANSWERED


def distance_cases(view: View3D) -> Iterator[Case]:
    """Which is closer, to the viewer or to a third; asked where the distances differ by 15 % and 5 cm."""
    for a, b in permutations(view.rows, 2):
        far, near = (float(np.linalg.norm(view.place(n))) for n in (a, b))
        if abs(far - near) > max(0.15 * max(far, near), 0.05):
            question = f"Is the {a} closer to the camera than the {b}?"
            yield Case("distance", question, _verdict(far < near), "yes" if far < near else "no")
    for a, b, c in permutations(view.rows, 3):
        if a < b:
            first, second = (float(np.linalg.norm(view.place(n) - view.place(c))) for n in (a, b))
            if abs(first - second) > max(0.15 * max(first, second), 0.05):
                nearer = a if first < second else b
                yield Case(
                    "distance",
                    f"Which is closer to the {c}, the {a} or the {b}?",
                    _says(f"{nearer} is closer than"),
                    nearer,
                )


def _turn(front: np.ndarray, way: np.ndarray) -> float:
    """Degrees from a front to a way, left positive."""
    return float(np.degrees(np.arctan2(front[0] * way[1] - front[1] * way[0], front[:2] @ way[:2])))


def orientation_cases(view: View3D) -> Iterator[Case]:
    """Facing, asked within 20 degrees or beyond 75; parallel, within 4 or beyond 25."""
    for a, front in view.fronts.items():
        for b in view.rows:
            way = view.place(b) - view.place(a)
            if b == a or np.linalg.norm(way[:2]) < 0.2:
                continue
            turn = abs(_turn(front, way))
            if turn < 20 or turn > 75:
                yield Case(
                    "orientation", f"Is the {a} facing the {b}?", _verdict(turn < 20), "yes" if turn < 20 else "no"
                )
    long = [n for n in view.rows if n in BOX_LIKE and view.thing(n).size[0] > 1.5 * view.thing(n).size[1]]
    for a, b in permutations(long, 2):
        if a < b:
            ways = [view.to_viewer(view.thing(n).world_from_object[:3, 0]) for n in (a, b)]
            turn = abs(_turn(*ways))
            turn = min(turn, 180 - turn)
            if turn < 4 or turn > 25:
                yield Case(
                    "orientation", f"Are the {a} and the {b} parallel?", _verdict(turn < 4), "yes" if turn < 4 else "no"
                )


def perspective_cases(view: View3D) -> Iterator[Case]:
    """Left or right for someone at a thing, along its front or facing another; asked 30 to 150 degrees to a side."""
    for a, front in view.fronts.items():
        for b in view.rows:
            way = view.place(b) - view.place(a)
            if b != a and _beside(view, a, b) and 30 < abs(_turn(front, way)) < 150:
                side = "left" if _turn(front, way) > 0 else "right"
                for asked in ("left", "right"):
                    question = f"From the {a}, is the {b} on the {asked}?"
                    yield Case("perspective", question, _verdict(side == asked), side)
    for a, b, c in permutations(view.rows, 3):
        front, way = view.place(b) - view.place(a), view.place(c) - view.place(a)
        apart = _beside(view, a, b) and _beside(view, a, c)
        if apart and 30 < abs(_turn(front, way)) < 150:
            side = "left" if _turn(front, way) > 0 else "right"
            question = f"If I stand at the {a} facing the {b}, is the {c} on my left?"
            yield Case("perspective", question, _verdict(side == "left"), side)


def _beside(view: View3D, a: str, b: str) -> bool:
    """Whether two things are so far apart that their widths leave no doubt about the direction."""
    gap = np.linalg.norm((view.place(b) - view.place(a))[:2])
    return bool(gap > 0.75 * (np.linalg.norm(view.thing(a).size[:2]) + np.linalg.norm(view.thing(b).size[:2])))


def metric_cases(view: View3D) -> Iterator[Case]:
    """Distances of at least 10 cm, heights and widths of at least 3 cm."""
    for a, b in permutations(view.rows, 2):
        step = view.place(a) - view.place(b)
        if a < b and np.linalg.norm(step) > 0.1:
            away = float(np.linalg.norm(step))
            yield Case("metric", f"How far is the {a} from the {b}?", _within(away, "distance"), f"{away:.2f} m")
        flat = float(np.linalg.norm(step[:2]))
        if a < b and flat > 0.1:
            question = f"What is the horizontal distance between the {a} and the {b}?"
            yield Case("metric", question, _within(flat, "horizontal_distance"), f"{flat:.2f} m")
    for a in view.rows:
        size, away = view.thing(a).size, float(np.linalg.norm(view.place(a)))
        yield Case("metric", f"How far away is the {a}?", _within(away, "distance"), f"{away:.2f} m")
        if size[2] > 0.03:
            yield Case("metric", f"How tall is the {a}?", _within(float(size[2]), "height"), f"{size[2]:.2f} m")
        wide = float(size[:2].max())
        yield Case("metric", f"What is the width of the {a}?", _within(wide, "width"), f"{wide:.2f} m")


def direction_cases(view: View3D) -> Iterator[Case]:
    """By the clock, for things at least 10 cm apart."""
    for a, b in permutations(view.rows, 2):
        step = view.place(a) - view.place(b)
        if np.linalg.norm(step[:2]) > 0.1:
            bearing = float(np.arctan2(step[1], step[0]))
            yield Case("direction", f"In which direction is the {a} from the {b}?", _hour(bearing), f"{clock(bearing)}")


def _hour(bearing: float) -> Callable[[QuestionAnswer], bool]:
    def right(answer: QuestionAnswer) -> bool:
        said = [e.value for e in answer.evidence if e.quantity == "angle"]
        if not said or not _answered(answer):
            return False
        return abs((clock(said[0]) - clock(bearing) + 6) % 12 - 6) <= 1

    return right


def left_right_cases(view: View3D) -> Iterator[Case]:
    """LocVLM: the boxes in the picture are disjoint in x."""
    for a, b in permutations(view.rows, 2):
        first, second = view.thing(a).box_visible, view.thing(b).box_visible
        if first[2] < second[0] or second[2] < first[0]:
            side = "left" if first[2] < second[0] else "right"
            yield Case("left/right", f"Which side of the {b} is the {a}?", _says(f"to the {side} of"), side)


def above_below_cases(view: View3D) -> Iterator[Case]:
    """In space, as a robot needs it: the one is wholly above the other, by 2 cm."""
    for a, b in permutations(view.rows, 2):
        i, j = view.rows[a], view.rows[b]
        low, high = view.truth.low[:, 2], view.truth.high[:, 2]
        if low[i] > high[j] + 0.02 or low[j] > high[i] + 0.02:
            word = "above" if low[i] > high[j] else "below"
            yield Case("above/below", f"Is the {a} above or below the {b}?", _says(f"is {word} "), word)


def relation_cases(view: View3D) -> Iterator[Case]:
    """Yes or no, where the truth is sure: a relation that clearly holds, or whose opposite does."""
    opposite = {"left_of": "right_of", "right_of": "left_of", "behind": "in_front_of", "in_front_of": "behind"}
    words = {"left_of": "left of", "right_of": "right of", "behind": "behind", "in_front_of": "in front of", "on": "on",
             "inside": "inside", "under": "under", "next_to": "next to"}  # fmt: skip
    for predicate, word in words.items():
        matrix = view.truth.matrix(predicate)
        against = view.truth.matrix(opposite[predicate]) == YES if predicate in opposite else matrix == NO
        for a, b in permutations(view.rows, 2):
            i, j = view.rows[a], view.rows[b]
            if matrix[i, j] == YES:
                yield Case("relation", f"Is the {a} {word} the {b}?", _verdict(True), "yes")
            elif against[i, j] and (predicate in opposite or _level(view, i, j)):
                yield Case("relation", f"Is the {a} {word} the {b}?", _verdict(False), "no")


def _level(view: View3D, i: int, j: int) -> bool:
    """Whether the foot of one thing is no higher than that of another, so that it cannot be on or in it."""
    return bool(view.truth.low[i, 2] < view.truth.low[j, 2] + 0.02)


def count_cases(view: View3D) -> Iterator[Case]:
    """How many of a kind, where all of them are seen well, and whether there is one."""
    names = {o.category for o in view.truth.objects}
    for name in sorted(names - view.unplaced - {"box", "tissue box", "cup", "mug"}):
        group = [o for o in view.truth.objects if o.category == name]
        if all(o.pixels >= MIN_PIXELS and o.visible_fraction >= MIN_VISIBLE for o in group):
            yield Case("count", f"How many {name}s are there?", _within(len(group), "count", 0), str(len(group)))
            yield Case("count", f"Is there a {name}?", _verdict(True), "yes")
    for name in ("banana", "laptop", "teddy bear", "drill", "shoe"):
        if not any(similar(name, canonical(other)) for other in names):
            yield Case("count", f"Is there a {name}?", _verdict(False), "no")


TEMPLATES = (
    distance_cases, orientation_cases, perspective_cases, metric_cases, direction_cases, left_right_cases,
    above_below_cases, relation_cases, count_cases,
)  # fmt: skip


@dataclass
class FamilyScore:
    """Right and confidently wrong answers of a family; the rest were "I don't know", or wrong and said to be rough."""

    asked: int = 0
    right: int = 0
    wrong: int = 0
    rough: int = 0
    misses: list[str] = field(default_factory=list)

    @property
    def accuracy(self) -> float:
        """0..1; NaN where nothing was asked."""
        return self.right / self.asked if self.asked else float("nan")


def simulated_views(frames: int, seed: int, layouts: Iterable[str] = ("tabletop", "shelf", "room")) -> Iterator[View3D]:
    """Well seen things of generated frames, each frame followed by its mirror image."""
    layouts = tuple(layouts)
    for k in range(frames):
        scene = make_scene(layouts[k % len(layouts)], seed + k)
        shot = render(scene, default_view(scene), SimCamera())
        yield view_of(shot, scene)
        flipped, mirror = mirrored(shot)
        yield view_of(flipped, scene, mirror)


def score_questions(
    views: Iterable[View3D], source: str, seed: int = 0, per_family: int = 6
) -> tuple[Mapping[str, FamilyScore], Mapping[str, FamilyScore]]:
    """Ask, and count.

    Returns:
        Scores by family; and of LocVLM's two by the right answer, since one who always says "left" is half right.
    """
    scores = {family: FamilyScore() for family in FAMILIES}
    by_answer: dict[str, FamilyScore] = {}
    for number, view in enumerate(views):
        graph = graph_of(view.shot, source)
        view = _placed(view, graph)
        # A frame and its mirror image are asked the same: the names do not depend on the side.
        for case in cases(view, np.random.default_rng(seed + number // 2), per_family):
            answer = answer_question(case.question, graph)
            right = case.right(answer)
            counted = [scores[case.family]]
            if case.family in ("left/right", "above/below"):
                counted.append(by_answer.setdefault(case.wanted, FamilyScore()))
            for score in counted:
                score.asked += 1
                score.right += right
                rough = any(e.unit == "m" and is_rough(e.value, e.value_std) for e in answer.evidence[:1])
                score.wrong += not right and not rough and _answered(answer)
                score.rough += not right and rough
            if not right:
                scores[case.family].misses.append(f"{case.question} wanted {case.wanted}: {answer.answer}")
    return scores, by_answer


def _placed(view: View3D, graph: SceneGraph) -> View3D:
    """The view without what the sensor got no depth of: it has no place to ask for."""
    seen = Counter(node.object.label for node in graph.objects if node.object.position is not None)
    there = Counter(item.category for item in view.truth.objects if item.pixels >= MIN_PIXELS)
    rows = {name: row for name, row in view.rows.items() if seen[name]}
    fronts = {name: front for name, front in view.fronts.items() if seen[name]}
    return replace(view, rows=rows, fronts=fronts, unplaced=frozenset(n for n in there if seen[n] < there[n]))


def main() -> None:
    """Print the scores."""
    parser = argparse.ArgumentParser(description="Answers to questions about simulated scenes against the truth.")
    parser.add_argument("--frames", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--source", choices=("true", "lifted"), nargs="+", default=("true", "lifted"))
    parser.add_argument("--misses", type=int, default=0, metavar="N", help="show N misses of each family")
    args = parser.parse_args()
    for source in args.source:
        scores, by_answer = score_questions(simulated_views(args.frames, args.seed), source)
        print(f"{source} boxes")
        for family, score in (*scores.items(), *((f"  {k}", v) for k, v in sorted(by_answer.items()))):
            unknown = score.asked - score.right - score.wrong - score.rough
            print(
                f"  {family:12} {100 * score.accuracy:5.1f} %  of {score.asked:4}  "
                f"wrong {score.wrong}  rough {score.rough}  unknown {unknown}"
            )
            for miss in score.misses[: args.misses]:
                print(f"      {miss}")


if __name__ == "__main__":
    main()
