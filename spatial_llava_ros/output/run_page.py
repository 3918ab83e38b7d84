"""A recorded run as one HTML page: pictures, map, view in space, things and relations over time.

The page holds all it needs and asks no network for anything (its content security policy forbids it). Its script and
style are the files in `page/`; what it shows is one JSON object, written by `_step`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.geometry import viewer_from_camera
from spatial_llava_ros.output.colors import color_of
from spatial_llava_ros.output.outlines import outlines
from spatial_llava_ros.output.run import Step
from spatial_llava_ros.output.wording import kind_of_relation, name_of
from spatial_llava_ros.questions.answer import QuestionAnswer
from spatial_llava_ros.types import Region, Relation, RgbdFrame, SceneObject

FRAMES = 100  # steps that a page holds at most
_PICTURES_BYTES = 5_000_000  # of all JPEGs together; base64 adds a third
_PICTURE_BYTES = 150_000  # of one
_WIDTH = 800  # pixels of a picture, at most
_QUALITIES = (88, 80, 70, 60, 45)
_SCRIPTS = ("state.js", "drawing.js", "picture.js", "map.js", "space.js", "tables.js", "time.js")


class RunPage:
    """Collects steps and writes the page.

    Args:
        title: what was recorded.
        count: how many steps will come; pictures are compressed so that the page stays below some 10 MB.
    """

    def __init__(self, title: str, count: int) -> None:
        self._title = title
        self._budget = min(_PICTURE_BYTES, _PICTURES_BYTES // max(count, 1))
        self._columns = 160 if count <= 20 else 80
        self._steps: list[dict[str, Any]] = []
        self._questions: list[dict[str, Any]] = []
        self._start: int | None = None
        self._posed = False

    def add(self, step: Step) -> None:
        """Take in one step, the next in time."""
        frame = step.frame
        if self._start is None:
            self._start = frame.stamp
        self._posed = frame.world_from_camera is not None
        self._steps.append(
            {
                "number": step.number,
                "time": (frame.stamp - self._start) / 1e9 if frame.stamp else None,
                "image": _jpeg(frame.color, self._budget),
                "depth": _small_depth(frame, self._columns),
                "width": frame.intrinsics.width,
                "height": frame.intrinsics.height,
                "k": [round(getattr(frame.intrinsics, name), 3) for name in ("fx", "fy", "cx", "cy")],
                **_geometry(step),
                "frame_id": step.graph.frame_id,
                "things": [_thing(node, step.regions.get(node.object.id)) for node in step.things],
                "relations": [_relation(relation) for relation in step.graph.relations],
                "told": list(step.told),
            }
        )

    def ask(self, answers: Sequence[QuestionAnswer]) -> None:
        """Show questions that were answered from the graph of the step added last."""
        for answer in answers:
            ids = dict.fromkeys(number for fact in answer.evidence for number in fact.objects)
            ids |= dict.fromkeys(node.object.id for node in answer.objects)
            told = answer.answer
            if answer.explanation and answer.explanation not in told:
                told += f" ({answer.explanation})"
            self._questions.append(
                {"question": answer.question, "answer": told, "objects": list(ids), "step": len(self._steps) - 1}
            )

    def heard(self, answers: Sequence[tuple[int, dict[str, Any]]]) -> None:
        """Show answers that were recorded with the frames, each with the step nearest to its time.

        Args:
            answers: of `FrameSource.answers`; the ids in them are of their frame, not of the memory.
        """
        for stamp, record in answers:
            seconds = (stamp - (self._start or 0)) / 1e9
            times = [abs(s["time"] - seconds) if s["time"] is not None else np.inf for s in self._steps]
            step = int(np.argmin(times)) if times and np.isfinite(min(times)) else None
            thing = record.get("object")
            thing = thing if isinstance(thing, dict) else {}
            told = f"{record.get('status')}: {record.get('explanation')}"
            if isinstance(thing.get("position"), list):
                told += f" (at {', '.join(f'{v:.2f}' for v in thing['position'])} m in {thing.get('frame_id')})"
            ids = [thing["id"]] if isinstance(thing.get("id"), int) and not self._posed else []
            self._questions.append({"question": record["query"], "answer": told, "objects": ids, "step": step})

    def text(self) -> str:
        """The page.

        Raises:
            InvalidInputError: no step was added.
        """
        if not self._steps:
            raise InvalidInputError(f"{self._title}: no frame to show")
        ids = sorted({t["id"] for step in self._steps for t in step["things"]})
        run = {
            "about": self._about(),
            "posed": self._posed,
            "colours": {n: "#{:02x}{:02x}{:02x}".format(*color_of(n)) for n in ids},
            "steps": self._steps,
            "questions": self._questions,
        }  # fmt: skip
        # Inside a script element only "<" could end it or begin a comment; JSON may write it as an escape.
        data = json.dumps(run, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
        files = resources.files("spatial_llava_ros.output") / "page"
        script = "".join((files / name).read_text(encoding="utf-8") for name in _SCRIPTS)
        return Template((files / "page.html").read_text(encoding="utf-8")).substitute(
            title=escape(self._title), style=(files / "style.css").read_text(encoding="utf-8"), data=data, script=script
        )

    def write(self, path: Path) -> None:
        """
        Raises:
            InvalidInputError: the file cannot be written, or no step was added.
        """
        text = self.text()
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InvalidInputError(f"{path}: cannot be written ({error.strerror or error})") from None

    def _about(self) -> str:
        steps, last = self._steps, self._steps[-1]
        time = f" over {last['time'] - (steps[0]['time'] or 0):.1f} s" if len(steps) > 1 and last["time"] else ""
        what = f"{len(steps)} frames{time}" if len(steps) > 1 else "one frame"
        if self._posed:
            remembered = f"things are remembered in {last['frame_id']}, ids last"
            return f"{what}; {remembered}" if len(steps) > 1 else f"{what}, in {last['frame_id']}"
        return f"{what}; the camera's pose is not known" + ("" if len(steps) == 1 else ": ids are those of each frame")


def _jpeg(color: np.ndarray, budget: int) -> str:
    """A data URI of at most `budget` bytes of JPEG, as large and as good as that allows."""
    picture = cv2.cvtColor(color, cv2.COLOR_RGB2BGR)
    scale = min(1.0, _WIDTH / picture.shape[1])
    while True:
        small = picture if scale == 1 else cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for quality in _QUALITIES:
            data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            if len(data) <= budget or (quality == _QUALITIES[-1] and min(small.shape[:2]) < 120):
                return "data:image/jpeg;base64," + base64.b64encode(data).decode()
        scale *= 0.75


def _small_depth(frame: RgbdFrame, columns: int) -> dict[str, Any]:
    """Depth at the middles of `columns` x rows cells: uint16 millimetres, little-endian, 0 where nothing is known."""
    height, width = frame.depth.shape
    columns = min(columns, width)
    rows = max(1, round(columns * height / width))
    v, u = (((np.arange(n) + 0.5) * side / n).astype(int) for n, side in ((rows, height), (columns, width)))
    with np.errstate(invalid="ignore"):
        millimetres = np.nan_to_num(np.rint(frame.depth[np.ix_(v, u)] * 1000), nan=0, posinf=0).clip(0, 65535)
    data = base64.b64encode(millimetres.astype("<u2").tobytes()).decode()
    return {"columns": columns, "rows": rows, "data": data}


def _geometry(step: Step) -> dict[str, Any]:
    """How to show the step with z up: `level` turns the graph's frame so, `pose` is the camera in what is shown."""
    camera = step.graph.frame_from_camera
    level = np.eye(3)
    if step.frame.world_from_camera is None:
        level = viewer_from_camera(camera[:3, :3].T @ step.graph.up) @ camera[:3, :3].T
    shown = level @ camera[:3, :3]
    return {
        "level": np.round(level, 6).tolist(),
        "pose": {"at": np.round(level @ camera[:3, 3], 4).tolist(), "turn": np.round(shown, 6).tolist()},
    }


def _thing(node: SceneObject, region: Region | None) -> dict[str, Any]:
    obj = node.object
    out: dict[str, Any] = {
        "id": obj.id,
        "name": name_of(node),
        "looks": ", ".join(a for a in node.attributes if a != obj.label),
        "state": node.state.value,
        "source": node.source,
        "layer": node.layer,
        "seen": node.observations,
        "box": [round(float(v)) for v in obj.box],
        "outline": [cv2.approxPolyDP(line, 1.2, True)[:, 0].tolist() for line in outlines(region)] if region else [],
        "p": None,
    }
    if obj.position is not None:
        c = np.zeros((6, 6)) if obj.covariance is None else np.nan_to_num(obj.covariance)
        out |= {
            "p": np.round(obj.position, 4).tolist(),
            "q": np.round(obj.orientation, 5).tolist(),
            "s": np.round(obj.size, 4).tolist(),
            "c": [float(f"{v:.3g}") for v in c[[0, 0, 0, 1, 1, 2], [0, 1, 2, 1, 2, 2]]],
        }
    return out


def _relation(relation: Relation) -> dict[str, Any]:
    return {
        "subject": relation.subject,
        "predicate": relation.predicate.replace("_", " "),
        "kind": kind_of_relation(relation),
        "object": relation.object,
        "second": relation.second_object,
        "value": round(float(relation.value), 3) if np.isfinite(relation.value) else None,
        "unit": relation.unit,
        "reference": relation.reference,
        "score": round(float(relation.score), 3),
        "source": relation.source,
    }
