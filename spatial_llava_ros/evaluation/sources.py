"""Frames with questions whose answers are known: frame folders with an expressions file, or the simulator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from spatial_llava_ros.errors import InvalidInputError
from spatial_llava_ros.frames import open_source
from spatial_llava_ros.frames.camera_file import read_json
from spatial_llava_ros.frames.expressions import Expression, read_expressions
from spatial_llava_ros.frames.folder import FolderSource
from spatial_llava_ros.types import Box, RgbdFrame

LAYOUTS = ("tabletop", "shelf", "room")
CROWDED = ("desk", "crowd", "corner")  # seen by several kinds of camera


def folders_with_expressions(root: str, name: str) -> Iterator[tuple[str, RgbdFrame, list[Expression]]]:
    """Every frame below a folder that has an expressions file of a given name.

    Raises:
        InvalidInputError: the folder holds no frames, none with such a file, or one that cannot be read.
    """
    source = open_source(root)
    if not isinstance(source, FolderSource):
        raise InvalidInputError(f"{root}: evaluation needs frame folders (or sim), this is another kind of source")
    folders = [folder for folder in source.folders if (folder / name).exists()]
    if not folders:
        raise InvalidInputError(f"{root}: no frame here has a file {name}")
    for folder in folders:
        index = source.folders.index(folder)
        yield _short(folder, Path(root)), source[index], read_expressions(folder / name)


def folders_with_boxes(root: str) -> Iterator[tuple[str, RgbdFrame, dict[str, Box]]]:
    """Every frame below a folder that has an objects_2d.json, `{name: [x1, y1, x2, y2]}`: boxes drawn by a person.

    Raises:
        InvalidInputError: a file that cannot be read or is not of that form.
    """
    source = open_source(root)
    for index, folder in enumerate(source.folders if isinstance(source, FolderSource) else ()):
        path = folder / "objects_2d.json"
        if not path.exists():
            continue
        boxes = read_json(path)
        if not isinstance(boxes, dict) or not all(isinstance(b, list) and len(b) == 4 for b in boxes.values()):
            raise InvalidInputError(f"{path}: must be an object of boxes [x1, y1, x2, y2] by name")
        yield _short(folder, Path(root)), source[index], {name: tuple(box) for name, box in boxes.items()}


def _short(folder: Path, root: Path) -> str:
    return folder.name if folder == root else str(folder.relative_to(root))


def simulated_expressions(spec: str, frames: int, per_frame: int, seed: int = 0) -> Iterator:
    """Frames of generated scenes, with expressions that geometry could judge and the boxes of what they mean.

    Args:
        spec: "sim" for LAYOUTS in turn, "sim:crowded" for CROWDED, or "sim:layout".
        frames: how many, each of a scene of its own.
        per_frame: expressions for each.

    Yields:
        (name, SimFrame, expressions)
    """
    from spatial_llava_ros.sim import (
        default_view,
        generate_expressions,
        make_scene,
        plain_expressions,
        render,
        usual_camera,
    )  # fmt: skip

    name = spec.partition(":")[2]
    layouts = {"": LAYOUTS, "crowded": CROWDED}.get(name, (name,))
    for k in range(frames):
        layout = layouts[k % len(layouts)]
        scene = make_scene(layout, seed + k)
        simulated = render(scene, default_view(scene), usual_camera(scene))
        boxes = {thing.id: thing.box_visible for thing in simulated.objects}
        speak = plain_expressions if layout in CROWDED else generate_expressions
        asked = speak(simulated, seed + k, per_frame)
        expressions = [
            Expression(
                e.text,
                boxes[e.targets[0]] if len(e.targets) == 1 else None,
                e.kind,
                tuple(boxes[t] for t in e.targets) if len(e.targets) > 1 else (),
            )
            for e in asked
            if e.plain
        ]
        yield f"{layout}-{seed + k}", simulated, expressions
