"""How well objects are followed through a real sequence whose poses are known.

    python -m spatial_llava_ros.evaluation.sequences FOLDER

FOLDER holds frame folders in order, each with `truth.json`: `world_to_camera` (3 x 4 or 4 x 4) and `objects`, each with
`name`, `instance` and `object_to_camera` (3 x 4); the first also with `label.png`, the instance of each pixel. Objects
are followed twice: with the camera's poses, and without.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import open_source
from spatial_llava_ros.geometry import invert_transform, transform_object, transform_points
from spatial_llava_ros.lift import lift
from spatial_llava_ros.proposals import propose
from spatial_llava_ros.tracking import Tracker, TrackState
from spatial_llava_ros.types import Region, RgbdFrame

PERIOD_NS = 66_666_667
MIN_PIXELS = 100


@dataclass(frozen=True)
class Followed:
    """One object: metres between its true and its tracked centre in each picture, and whether it was tracked there."""

    name: str
    with_poses: bool
    errors: tuple[float, ...]
    tracked: tuple[bool, ...]


def follow_sequence(folder: Path) -> list[Followed]:
    """Follow every labelled object of a sequence.

    Raises:
        InvalidInputError: no frames with truth.
    """
    places = sorted(path.parent for path in folder.glob("*/truth.json"))
    if not places:
        raise InvalidInputError(f"{folder} holds no frame folders with truth.json")
    truths = [json.loads((place / "truth.json").read_text()) for place in places]
    frames = [_posed(open_source(str(p))[0], t, k) for k, (p, t) in enumerate(zip(places, truths, strict=True))]
    labels = cv2.imread(str(places[0] / "label.png"), cv2.IMREAD_UNCHANGED)
    proposals = propose(frames[0])
    level = [k for k, plane in enumerate(proposals.planes) if plane.horizontal]
    results = []
    for item in truths[0]["objects"]:
        mask = labels == item["instance"]
        if np.count_nonzero(mask) < MIN_PIXELS:
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        cut = mask[box[1] : box[3], box[0] : box[2]]
        found = lift(frames[0], Region(1, box, cut, 1.0, level[0] if level else None), proposals)
        if found.position is None:
            continue
        true = [next(o for o in t["objects"] if o["instance"] == item["instance"]) for t in truths]
        centres = [np.array(o["object_to_camera"])[:3, 3] for o in true]
        for with_poses in (True, False):
            errors, tracked = zip(*_follow(found, frames, centres, with_poses), strict=True)
            results.append(Followed(item["name"], with_poses, errors, tracked))
    return results


def _follow(found, frames: Sequence[RgbdFrame], centres: Sequence[np.ndarray], with_poses: bool):
    """(error, tracked) of each frame."""
    first = frames[0]
    target = transform_object(found, first.world_from_camera, first.world_frame_id) if with_poses else found
    tracker = Tracker(target)
    for frame, centre in zip(frames, centres, strict=True):
        seen = frame if with_poses else replace(frame, world_from_camera=None, world_frame_id="")
        now = tracker.update(seen)
        place = now.object.position
        if with_poses:
            place = transform_points(invert_transform(frame.world_from_camera), place)
        yield float(np.linalg.norm(place - centre)), now.state is TrackState.TRACKED


def _posed(frame: RgbdFrame, truth: dict, number: int) -> RgbdFrame:
    camera_from_world = np.eye(4)
    camera_from_world[:3] = np.array(truth["world_to_camera"])[:3]
    return replace(
        frame,
        stamp=1_000_000_000 + number * PERIOD_NS,
        world_from_camera=invert_transform(camera_from_world),
        world_frame_id="world",
    )


def main(args: Sequence[str] | None = None) -> None:
    """Print a line per object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for one in follow_sequence(parser.parse_args(args).folder):
        errors = " ".join(f"{1e3 * e:.1f}" for e in one.errors)
        poses = "with poses" if one.with_poses else "without"
        print(f"{one.name:<24}{poses:<12}tracked {sum(one.tracked)}/{len(one.tracked)}   error (mm) {errors}")


if __name__ == "__main__":
    main()
