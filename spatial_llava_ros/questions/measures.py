"""Questions whose answer is a number: how far, how large, how much more, in which direction."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.questions.answer import Evidence, QuestionStatus, Unanswerable, Verdict
from spatial_llava_ros.questions.fronts import front_of
from spatial_llava_ros.questions.referents import refer, the
from spatial_llava_ros.questions.reply import Reply, capital, clock, ids, is_rough, metres, need_depth, trusted
from spatial_llava_ros.questions.view import SURE, VIEWER, View

_SIZE = {
    "tall": "height", "high": "height", "height": "height", "wide": "width", "broad": "width", "width": "width",
    "breadth": "width", "long": "length", "length": "length", "deep": "depth", "depth": "depth",
    "thick": "thickness", "thickness": "thickness", "volume": "volume",
}  # fmt: skip
_COMPARE = {
    "taller": ("height", 1), "higher": ("level", 1), "shorter": ("height", -1), "lower": ("level", -1),
    "wider": ("width", 1), "broader": ("width", 1), "narrower": ("width", -1), "longer": ("length", 1),
    "thicker": ("thickness", 1), "bigger": ("volume", 1), "larger": ("volume", 1), "smaller": ("volume", -1),
    "closer": ("distance", -1), "nearer": ("distance", -1), "farther": ("distance", 1), "further": ("distance", 1),
    "farther away": ("distance", 1), "further away": ("distance", 1),
}  # fmt: skip


def distance(view: View, parts: dict[str, str]) -> Reply:
    """How far is a from b, or from the viewer; along the view's horizontal or vertical where so asked."""
    a, assumed_a = refer(view, parts["a"])
    b, assumed_b = refer(view, parts["b"]) if "b" in parts else (VIEWER, "")
    if a == b:
        raise Unanswerable("both names mean the same thing", ids_nodes(view, a))
    need_depth(view, a, b)
    axis = parts.get("axis", "")
    axes = (2,) if axis.startswith("vertical") else (0, 1) if axis.startswith("horizontal") else (0, 1, 2)
    value, std = view.distance(a, b, axes)
    trusted(value, std, "the distance")
    kind = {1: "vertical distance", 2: "horizontal distance", 3: "distance"}[len(axes)]
    reference = "viewer" if VIEWER in (a, b) else "world"
    evidence = [Evidence(kind.replace(" ", "_"), ids(view, a, b), value, std, "m", reference)]
    text = f"{capital(the(view, a))} is {metres(value, std)} from {the(view, b)}"
    text += f" ({kind})" if axis else ""
    gap = view.gap(a, b)
    if not axis and VIEWER not in (a, b) and gap < 0.9 * value:
        evidence.append(Evidence("gap", ids(view, a, b), gap, std, "m", reference))
        text += (
            f", centre to centre; {gap:.2f} m free between them" if gap > 0.005 else ", centre to centre; they touch"
        )
    return Reply(text + ".", tuple(evidence), (a, b), assumed=(assumed_a, assumed_b))


def ids_nodes(view: View, *rows: int) -> tuple:
    """The nodes of rows, the viewer left out."""
    return tuple(view.nodes[r] for r in rows if r != VIEWER)


def rise(view: View, parts: dict[str, str]) -> Reply:
    """How high is a above b: from the top of b to the foot of a."""
    a, assumed_a = refer(view, parts["a"])
    b, assumed_b = refer(view, parts["b"])
    need_depth(view, a, b)
    if a in (VIEWER, b):
        raise Unanswerable("that needs two things", status=QuestionStatus.NOT_UNDERSTOOD)
    if b == VIEWER:
        value, std = float(view.place(a)[2]), float(np.sqrt(max(view.place_covariance(a)[2, 2], 0)))
    else:
        value, std = view.value("above", a, b)
    if value < -max(SURE * np.nan_to_num(std), 0.02):
        raise Unanswerable(f"{the(view, a)} is not above {the(view, b)}", ids_nodes(view, a, b))
    evidence = Evidence("height_above", ids(view, a, b), value, std, "m", "world")
    text = f"The foot of {the(view, a)} is {metres(max(value, 0), std)} above the top of {the(view, b)}."
    return Reply(text, (evidence,), (a, b), assumed=(assumed_a, assumed_b))


def measure(view: View, row: int, quantity: str) -> tuple[float, float]:
    """A size of a thing and its standard deviation; volume in cubic metres."""
    size, std = view.size(row)
    if quantity == "volume":
        value = float(np.prod(size))
        return value, value * float(np.linalg.norm(std / np.maximum(size, 1e-3)))
    if quantity == "length":  # the longest side, whichever way it points
        side = int(np.argmax(size))
    elif quantity == "thickness":
        side = int(np.argmin(size))
    else:
        side = {"width": 0, "depth": 1, "height": 2}[quantity]
    return float(size[side]), float(std[side])


def size(view: View, parts: dict[str, str]) -> Reply:
    """How tall, wide, long is a; "how big" gives all sides."""
    row, assumed = refer(view, parts["a"])
    if row == VIEWER:
        raise Unanswerable("I cannot see the viewer")
    need_depth(view, row)
    quantity = _SIZE.get(parts["size"])
    if quantity == "volume":
        value, std = measure(view, row, "volume")
        text = f"The box around {the(view, row)} holds about {1000 * value:.1f} litres (± {1000 * std:.1f})."
        return Reply(text, (Evidence("volume", ids(view, row), value, std, "m3"),), (row,), assumed=(assumed,))
    if quantity:
        value, std = measure(view, row, quantity)
        trusted(value, std, f"the {quantity}")
        adjective = {"height": "tall", "width": "wide", "length": "long", "depth": "deep", "thickness": "thick"}[
            quantity
        ]
        evidence = (Evidence(quantity, ids(view, row), value, std, "m"),)
        if is_rough(value, std):
            low, high = max(value - SURE * std, 0), value + SURE * std
            text = f"{capital(the(view, row))} is somewhere between {low:.2f} and {high:.2f} m {adjective}."
            why = "a side of it is hidden or was not measured well"
            return Reply(text, evidence, (row,), explanation=why, assumed=(assumed,))
        text = f"{capital(the(view, row))} is {metres(value, std)} {adjective}."
        return Reply(text, evidence, (row,), assumed=(assumed,))
    sides, stds = view.size(row)
    evidence = tuple(
        Evidence(name, ids(view, row), float(v), float(s), "m")
        for name, v, s in zip(("width", "depth", "height"), sides, stds, strict=True)
    )
    text = f"{capital(the(view, row))} is about {sides[0]:.2f} m wide, {sides[1]:.2f} m deep and {sides[2]:.2f} m tall"
    text += f" (± {np.max(stds):.{3 if np.max(stds) < 0.005 else 2}f})." if np.isfinite(stds).all() else "."
    return Reply(text, evidence, (row,), assumed=(assumed,))


def _compared(view: View, more: str, row: int, reference: int) -> tuple[float, float, str, int]:
    quantity, sign = _COMPARE[more]
    if quantity == "distance":
        return (*view.distance(row, reference), quantity, sign)
    if quantity == "level":  # how high it is up, not how tall it is
        return float(view.place(row)[2]), float(np.sqrt(max(view.place_covariance(row)[2, 2], 0))), quantity, sign
    if row == VIEWER:
        raise Unanswerable("I cannot see the viewer")
    return (*measure(view, row, quantity), quantity, sign)


def _compare(view: View, parts: dict[str, str]) -> tuple[int, int, bool | None, tuple[Evidence, ...], str, list[str]]:
    """Rows of a and b, whether a is "more" than b (None: too close to call), the facts, and the words for them."""
    a, assumed_a = refer(view, parts["a"])
    b, assumed_b = refer(view, parts["b"])
    c, assumed_c = refer(view, parts["c"]) if "c" in parts else (VIEWER, "")
    if a == b:
        raise Unanswerable("both names mean the same thing", ids_nodes(view, a))
    need_depth(view, a, b, c)
    first, first_std, quantity, sign = _compared(view, parts["more"], a, c)
    second, second_std, _, _ = _compared(view, parts["more"], b, c)
    spread = np.hypot(np.nan_to_num(first_std, nan=0.02), np.nan_to_num(second_std, nan=0.02))
    if quantity == "distance":
        spread = view.distance_difference_std(a, b, c)
    unit = "m3" if quantity == "volume" else "m"
    # Boxes are drawn round things: what differs by a twentieth is the same to the eye.
    least = {"distance": 0.02 * max(first, second), "level": 0.02}.get(quantity, 0.05 * max(first, second))
    step = sign * (first - second)
    more = None if abs(step) < max(SURE * spread, least) else bool(step > 0)
    reference = "viewer" if quantity == "distance" and c == VIEWER else "world"
    evidence = tuple(
        Evidence(quantity, ids(view, row, c) if quantity == "distance" else ids(view, row), value, std, unit, reference)
        for row, value, std in ((a, first, first_std), (b, second, second_std))
    )
    if quantity == "volume":
        words = f"their boxes hold {1000 * first:.1f} and {1000 * second:.1f} litres"
    elif quantity == "level":
        words = f"their middles are {abs(first - second):.2f} m apart in height"
    else:
        words = f"{first:.2f} m against {second:.2f} m"
    return a, b, more, evidence, words, [assumed_a, assumed_b, assumed_c]


def compare(view: View, parts: dict[str, str]) -> Reply:
    """Is a taller (nearer, bigger …) than b?"""
    a, b, more, evidence, words, assumed = _compare(view, parts)
    if more is None:
        raise Unanswerable(f"the difference is within the uncertainty: {words}", ids_nodes(view, a, b))
    so = "Yes, {} is" if more else "No, {} is not"
    text = f"{so.format(the(view, a))} {parts['more']} than {the(view, b)}: {words}."
    verdict = Verdict.YES if more else Verdict.NO
    return Reply(text, evidence, (a, b), verdict, words, tuple(assumed))


def compare_which(view: View, parts: dict[str, str]) -> Reply:
    """Which is taller, a or b?"""
    a, b, more, evidence, words, assumed = _compare(view, parts)
    if more is None:
        raise Unanswerable(f"the difference is within the uncertainty: {words}", ids_nodes(view, a, b))
    chosen, other = (a, b) if more else (b, a)
    text = f"{capital(the(view, chosen))} is {parts['more']} than {the(view, other)}: {words}."
    return Reply(text, evidence, (chosen, other), explanation=words, assumed=tuple(assumed))


def difference(view: View, parts: dict[str, str]) -> Reply:
    """How much taller is a than b?"""
    named = {"height": "taller", "width": "wider", "size": "bigger", "length": "longer"}
    parts = {**parts, "more": named.get(parts["more"], parts["more"])}
    a, b, more, facts, words, assumed = _compare(view, parts)
    step = facts[0].value - facts[1].value
    std = float(np.hypot(facts[0].value_std, facts[1].value_std))
    if more is None:
        raise Unanswerable(f"the difference is within the uncertainty: {words}", ids_nodes(view, a, b))
    evidence = (
        Evidence(f"{facts[0].quantity}_difference", ids(view, a, b), step, std, facts[0].unit, facts[0].reference),
        *facts,
    )
    if facts[0].quantity == "volume":
        amount = f"{max(facts[0].value, facts[1].value) / max(min(facts[0].value, facts[1].value), 1e-9):.1f} times"
        name, so = capital(the(view, a)), "" if more else "not "
        text = f"{name} is {so}{parts['more']} than {the(view, b)}; they differ {amount}: {words}."
    elif more:
        text = f"{capital(the(view, a))} is {metres(abs(step), std)} {parts['more']} than {the(view, b)}: {words}."
    else:
        text = (
            f"{capital(the(view, a))} is not {parts['more']} than {the(view, b)}, by {metres(abs(step), std)}: {words}."
        )
    return Reply(text, evidence, (a, b), explanation=words, assumed=tuple(assumed))


def same_size(view: View, parts: dict[str, str]) -> Reply:
    """Are a and b equally tall?"""
    quantity = _SIZE.get(parts["size"], "volume")
    more = {"height": "taller", "width": "wider", "length": "longer"}.get(quantity, "bigger")
    a, b, differs, evidence, words, assumed = _compare(view, {**parts, "more": more})
    first, second = evidence
    spread = np.hypot(first.value_std, second.value_std)
    small = 0.1 * max(first.value, second.value)
    if differs is None and spread > small:
        raise Unanswerable(f"the difference is within the uncertainty: {words}", ids_nodes(view, a, b))
    verdict = Verdict.YES if differs is None else Verdict.NO
    text = f"{'Yes' if verdict is Verdict.YES else 'No'}: {words}."
    return Reply(text, evidence, (a, b), verdict, words, tuple(assumed))


def direction(view: View, parts: dict[str, str]) -> Reply:
    """Where a lies by the clock: from the viewer, or from b for someone there who looks the way the viewer looks."""
    a, assumed_a = refer(view, parts["a"])
    b, assumed_b = refer(view, parts["b"]) if "b" in parts else (VIEWER, "")
    if a in (VIEWER, b):
        raise Unanswerable("that needs a thing and where it is seen from", status=QuestionStatus.NOT_UNDERSTOOD)
    need_depth(view, a, b)
    step, covariance = view.offset(a, b)
    flat = float(np.hypot(step[0], step[1]))
    bearing = float(np.arctan2(step[1], step[0]))
    across = np.array([-step[1], step[0]]) / max(flat, 1e-6)
    std = float(np.sqrt(max(across @ covariance[:2, :2] @ across, 0)) / max(flat, 1e-6))
    if SURE * std > np.pi / 6:  # an hour of the clock
        raise Unanswerable(f"the direction is uncertain by {np.degrees(std):.0f} degrees", ids_nodes(view, a, b))
    evidence = Evidence("angle", ids(view, a, b), bearing, std, "rad", "viewer")
    turn = f"{abs(np.degrees(bearing)):.0f} degrees to the {'left' if bearing > 0 else 'right'}"
    if abs(np.degrees(bearing)) < 3:
        turn = "straight ahead"
    where = "" if b == VIEWER else f" from {the(view, b)}, looking the way the viewer looks"
    text = f"{capital(the(view, a))} is at {clock(bearing)} o'clock{where}: {turn}, {flat:.2f} m away."
    return Reply(text, (evidence,), (a, b), assumed=(assumed_a, assumed_b))


def where(view: View, parts: dict[str, str]) -> Reply:
    """Where is a: in the graph's frame, and for the viewer."""
    row, assumed = refer(view, parts["a"])
    if row == VIEWER:
        x, y, z = view.pose[:3, 3]
        return Reply(f"The camera is at ({x:.2f}, {y:.2f}, {z:.2f}) m in {view.graph.frame_id}.")
    need_depth(view, row)
    obj = view.nodes[row].object
    bearing, std = view.bearing(row)
    away, away_std = view.distance(row, VIEWER)
    number = view.ids[row]
    evidence = [
        Evidence("distance", (number,), away, away_std, "m", "viewer"),
        Evidence("angle", (number,), bearing, std, "rad", "viewer"),
    ]
    spread = np.full(3, np.nan) if obj.covariance is None else np.sqrt(np.diag(obj.covariance)[:3])
    evidence += [
        Evidence(axis, (number,), float(v), float(s), "m", "world")
        for axis, v, s in zip("xyz", obj.position, spread, strict=True)
    ]
    x, y, z = obj.position
    text = f"{capital(the(view, row))} is {metres(away, away_std)} from the viewer at {clock(bearing)} o'clock"
    rests = [
        r
        for r in view.graph.relations
        if r.subject == number and r.predicate in ("on", "inside") and r.object in view.ids
    ]
    if rests:
        text += f", {rests[0].predicate} {the(view, view.ids.index(rests[0].object))}"
    text += f"; at ({x:.2f}, {y:.2f}, {z:.2f}) m in {obj.frame_id}."
    return Reply(text, tuple(evidence), (row,), assumed=(assumed,))


def orientation(view: View, parts: dict[str, str]) -> Reply:
    """How is a turned: the heading of its longer side, up to what its shape leaves open."""
    row, assumed = refer(view, parts["a"])
    if row == VIEWER:
        raise Unanswerable("the viewer looks straight ahead, by definition")
    need_depth(view, row)
    heading = view.heading(row)
    if heading is None:
        raise Unanswerable(
            f"{the(view, row)} is round, or its sides were not seen: its yaw means nothing", ids_nodes(view, row)
        )
    angle, std = heading
    if np.isfinite(std) and std > 0.3:
        raise Unanswerable(f"its yaw is uncertain by {np.degrees(std):.0f} degrees", ids_nodes(view, row))
    period = view.nodes[row].object.yaw_period
    angle = (angle + period / 2) % period - period / 2
    evidence = Evidence("yaw", ids(view, row), angle, std, "rad", "viewer")
    turn = f"{abs(np.degrees(angle)):.0f} degrees to the {'left' if angle > 0 else 'right'} of the way the viewer looks"
    text = f"The {'longer side' if period > 3 else 'sides'} of {the(view, row)} run{'s' if period > 3 else ''} {turn}"
    text += f" (± {np.degrees(std):.0f} degrees)." if np.isfinite(std) else "."
    return Reply(
        text,
        (evidence,),
        (row,),
        explanation=f"known up to turns of {np.degrees(period):.0f} degrees",
        assumed=(assumed,),
    )


def angle(view: View, parts: dict[str, str]) -> Reply:
    """The angle between the sides of two boxes."""
    a, b, value, std, period, assumed = _angle_between(view, parts)
    if np.isfinite(std) and std > 0.2:
        raise Unanswerable(f"the angle is uncertain by {np.degrees(std):.0f} degrees", ids_nodes(view, a, b))
    evidence = Evidence("angle", ids(view, a, b), value, std, "rad", "world")
    sides = "long sides" if period > 3 else "sides"
    turn = f"{np.degrees(value):.0f} degrees apart (± {np.degrees(std):.0f})"
    text = f"The {sides} of {the(view, a)} and {the(view, b)} are {turn}."
    return Reply(text, (evidence,), (a, b), assumed=assumed)


def _angle_between(view: View, parts: dict[str, str]) -> tuple[int, int, float, float, float, tuple[str, str]]:
    a, assumed_a = refer(view, parts["a"])
    b, assumed_b = refer(view, parts["b"])
    if VIEWER in (a, b) or a == b:
        raise Unanswerable("that needs two things", status=QuestionStatus.NOT_UNDERSTOOD)
    need_depth(view, a, b)
    headings = [view.heading(a), view.heading(b)]
    for row, heading in zip((a, b), headings, strict=True):
        if heading is None:
            raise Unanswerable(f"{the(view, row)} is round, or its sides were not seen", ids_nodes(view, row))
    period = min(view.nodes[a].object.yaw_period, view.nodes[b].object.yaw_period)
    std = float(np.hypot(headings[0][1], headings[1][1]))
    value = headings[0][0] - headings[1][0]
    value = abs((value + period / 2) % period - period / 2)
    return a, b, float(value), std, period, (assumed_a, assumed_b)


def parallel(view: View, parts: dict[str, str]) -> Reply:
    """Do the sides of a and b run alike: within 12 degrees, as far as that is sure."""
    a, b, value, std, _, assumed = _angle_between(view, parts)
    if parts["how"] != "parallel":
        value = abs((value + np.pi / 4) % (np.pi / 2) - np.pi / 4)
    degrees = np.degrees(value)
    evidence = Evidence("angle", ids(view, a, b), value, std, "rad", "world")
    unsure = SURE * np.degrees(np.nan_to_num(std))
    if degrees + unsure > 12 and degrees - unsure < 12 and not degrees + 0.5 * unsure < 8:
        raise Unanswerable(f"their sides are {degrees:.0f} ± {unsure:.0f} degrees apart", ids_nodes(view, a, b))
    verdict = Verdict.YES if degrees < 12 else Verdict.NO
    lead = f"{verdict.value.capitalize()}, the sides of {the(view, a)} and {the(view, b)}"
    text = f"{lead} are {degrees:.0f} degrees apart."
    return Reply(text, (evidence,), (a, b), verdict, assumed=assumed)


def facing(view: View, parts: dict[str, str]) -> Reply:
    """Is a turned towards b: within 35 degrees yes, beyond 50 no; or, without b, which way is it turned."""
    a, assumed_a = refer(view, parts["a"])
    if a == VIEWER:
        raise Unanswerable("that is for the viewer to say")
    need_depth(view, a)
    front, why = front_of(view, a)
    if "b" not in parts:
        bearing = float(np.arctan2(front[1], front[0]))
        away = [
            (i, abs(_turn(front, view.offset(i, a)[0])))
            for i in (*range(len(view.nodes)), VIEWER)
            if i != a and view.has_depth(i)
        ]
        near = min(away, key=lambda pair: pair[1], default=(VIEWER, np.pi))
        at = f", towards {the(view, near[0])}" if near[1] < np.radians(20) else ""
        evidence = Evidence("heading", ids(view, a), bearing, float("nan"), "rad", "viewer")
        text = f"{capital(the(view, a))} faces {clock(bearing)} o'clock as the viewer looks{at}."
        return Reply(text, (evidence,), (a,), assumed=(assumed_a, why))
    b, assumed_b = refer(view, parts["b"])
    need_depth(view, b)
    if a == b:
        raise Unanswerable("nothing faces itself", ids_nodes(view, a))
    turn = _turn(front, view.offset(b, a)[0])
    degrees = abs(np.degrees(turn))
    if 35 <= degrees <= 50:
        raise Unanswerable(
            f"{the(view, b)} is {degrees:.0f} degrees off the front of {the(view, a)}, which is neither",
            ids_nodes(view, a, b),
        )
    verdict = Verdict.YES if degrees < 35 else Verdict.NO
    evidence = Evidence("facing", ids(view, a, b), turn, float("nan"), "rad", "object")
    lead = f"{verdict.value.capitalize()}, {the(view, b)} is {degrees:.0f} degrees"
    text = f"{lead} off the front of {the(view, a)}."
    return Reply(text, (evidence,), (a, b), verdict, assumed=(assumed_a, assumed_b, why))


def _turn(front: np.ndarray, way: np.ndarray) -> float:
    """Angle from a front to a way on the ground, left positive."""
    return float(np.arctan2(front[0] * way[1] - front[1] * way[0], front[0] * way[0] + front[1] * way[1]))
