"""A recorded run for the Rerun viewer (https://rerun.io): an .rrd file, written by rerun-sdk.

/world/camera         pose, pinhole, picture with outlines, depth
/world/things         oriented boxes and names; /world/things/uncertainty: 2 standard deviations of their centres
/world/relations      arrows from subject to object
/world/way            where the camera has been
/graph                the same things and relations as nodes and edges
/told                 what the memory noted
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType, TracebackType

import numpy as np

from spatial_llava_ros.errors import InvalidInputError, MissingDependencyError
from spatial_llava_ros.frames.depth import millimetres_if_exact
from spatial_llava_ros.geometry import principal_axes, quaternion_from_matrix
from spatial_llava_ros.output.colors import color_of
from spatial_llava_ros.output.outlines import outlines
from spatial_llava_ros.output.run import Step
from spatial_llava_ros.output.wording import kind_of_relation, measured, numbered, statement
from spatial_llava_ros.types import Region, RgbdFrame

_KINDS = {"support": (214, 92, 40), "viewer": (60, 120, 230), "world": (140, 150, 165)}
_DEVIATIONS = 2.0
_JPEG_QUALITY = 90


class RerunWriter:
    """Writes one .rrd file; use it in a `with` statement.

    Args:
        path: of the file; replaced if it is there.
        title: name of the recording.

    Raises:
        MissingDependencyError: rerun-sdk is not installed.
        InvalidInputError: the file cannot be written.
    """

    def __init__(self, path: Path, title: str) -> None:
        try:
            import rerun
            import rerun.blueprint
        except ImportError as error:
            raise MissingDependencyError(
                f"--rerun needs rerun-sdk: pip install 'spatial_llava_ros[rerun]' ({error})"
            ) from None
        self._rr = rerun
        self._stream = rerun.RecordingStream("spatial_llava_ros")
        try:
            path.open("wb").close()  # rerun-sdk itself reports a place that cannot be written only to its log
        except OSError as error:
            raise InvalidInputError(f"{path}: cannot be written ({error.strerror or error})") from None
        self._stream.save(path, default_blueprint=self._blueprint())
        self._stream.send_recording_name(title)
        self._stream.set_log_time_enabled(False)  # when it was written is of no interest
        self._begun = False
        self._way: list[np.ndarray] = []

    def __enter__(self) -> RerunWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()
        self._stream.disconnect()

    def add(self, step: Step) -> None:
        """Record one step, at its frame's stamp where it has one."""
        rr, frame = self._rr, step.frame
        self._stream.set_time("frame", sequence=step.number)
        if frame.stamp:
            self._stream.set_time("stamp", timestamp=np.datetime64(frame.stamp, "ns"))
        if not self._begun:
            up = rr.ViewCoordinates.RDF if frame.world_from_camera is None else rr.ViewCoordinates.RIGHT_HAND_Z_UP
            self._stream.log("/world", up, static=True)
            self._begun = True
        self._camera(frame, step.regions, {n.object.id: numbered(n) for n in step.things})
        self._things(step)
        self._relations(step)
        for line in step.told:
            self._log("/told", rr.TextLog(line))

    def _log(self, path: str, what: object) -> None:
        self._stream.log(path, what)

    def _camera(self, frame: RgbdFrame, regions: dict[int, Region], names: dict[int, str]) -> None:
        rr, k = self._rr, frame.intrinsics
        pose = frame.world_from_camera
        if pose is not None:
            turn = rr.Quaternion(xyzw=quaternion_from_matrix(pose[:3, :3]))
            self._log("/world/camera", rr.Transform3D(translation=pose[:3, 3], quaternion=turn))
            self._way.append(pose[:3, 3])
            self._log("/world/way", rr.LineStrips3D([np.array(self._way)], colors=[(60, 120, 230)]))
        # Rerun's pixel centres are at halves, ours at whole numbers.
        matrix = np.array([[k.fx, 0, k.cx + 0.5], [0, k.fy, k.cy + 0.5], [0, 0, 1]])
        size = [k.width, k.height]
        axes = rr.ViewCoordinates.RDF
        pinhole = rr.Pinhole(image_from_camera=matrix, resolution=size, camera_xyz=axes, image_plane_distance=0.2)
        self._log("/world/camera", pinhole)
        self._log("/world/camera/color", rr.Image(frame.color).compress(jpeg_quality=_JPEG_QUALITY))
        self._log("/world/camera/depth", _depth_image(rr, frame.depth))
        lines, ids = [], []
        for number, region in regions.items():
            for line in outlines(region):
                lines.append(np.vstack([line, line[:1]]) + 0.5)
                ids.append(number)
        colors = [color_of(n) for n in ids]
        self._log("/world/camera/outlines", rr.LineStrips2D(lines, colors=colors, labels=[names[n] for n in ids]))

    def _things(self, step: Step) -> None:
        rr = self._rr
        placed = [node for node in step.things if node.object.position is not None]
        objects = [node.object for node in placed]
        colors = [color_of(obj.id) for obj in objects]
        centers = np.array([obj.position for obj in objects]).reshape(-1, 3)
        boxes = rr.Boxes3D(
            centers=centers,
            sizes=np.array([obj.size for obj in objects]).reshape(-1, 3),
            quaternions=np.array([obj.orientation for obj in objects]).reshape(-1, 4),
            colors=colors,
            labels=[numbered(node) for node in placed],
        )
        self._log("/world/things", boxes)
        spreads = [principal_axes(obj.covariance) for obj in objects]
        spread = rr.Ellipsoids3D(
            centers=centers,
            half_sizes=_DEVIATIONS * np.array([std for std, _ in spreads]).reshape(-1, 3),
            quaternions=np.array([turn for _, turn in spreads]).reshape(-1, 4),
            colors=colors,
        )
        self._log("/world/things/uncertainty", spread)

    def _relations(self, step: Step) -> None:
        rr = self._rr
        names = {node.object.id: numbered(node) for node in step.graph.objects}
        at = {n.object.id: n.object.position for n in step.graph.objects if n.object.position is not None}
        shown = [r for r in step.graph.relations if r.subject in at and r.object in at]
        arrows = rr.Arrows3D(
            origins=np.array([at[r.subject] for r in shown]).reshape(-1, 3),
            vectors=np.array([at[r.object] - at[r.subject] for r in shown]).reshape(-1, 3),
            colors=[_KINDS[kind_of_relation(r)] for r in shown],
            labels=[f"{r.predicate.replace('_', ' ')} {measured(r)}" for r in shown],
            show_labels=False,  # they would lie on each other; a click on an arrow shows its own
        )
        self._log("/world/relations", arrows)
        ids = list(names)
        nodes = rr.GraphNodes([str(n) for n in ids], labels=list(names.values()), colors=[color_of(n) for n in ids])
        edges = [(str(r.subject), str(r.object)) for r in step.graph.relations if {r.subject, r.object} <= names.keys()]
        self._stream.log("/graph", nodes, rr.GraphEdges(edges, graph_type="directed"))
        lines = [f"- {statement(r, names)} {measured(r)}" for r in step.graph.relations]
        self._log("/graph/words", rr.TextDocument("\n".join(lines) or "no relations", media_type="text/markdown"))

    def _blueprint(self) -> object:
        bp = self._rr.blueprint
        space = bp.Spatial3DView(origin="/world", name="In space")
        picture = bp.Spatial2DView(origin="/world/camera", name="Picture")
        graph = bp.GraphView(origin="/graph", name="Graph")
        words = bp.TextDocumentView(origin="/graph/words", name="Relations")
        told = bp.TextLogView(origin="/told", name="Told by the memory")
        left = bp.Vertical(space, told, row_shares=[4, 1])
        return bp.Blueprint(bp.Horizontal(left, bp.Vertical(picture, bp.Tabs(graph, words))))


def _depth_image(rr: ModuleType, depth: np.ndarray) -> object:
    """Depth (H, W) metres without loss; 0 is Rerun's word for not measured."""
    millimetres = millimetres_if_exact(depth)
    if millimetres is not None:
        return rr.DepthImage(millimetres, meter=1000.0)
    return rr.DepthImage(np.nan_to_num(depth, nan=0, posinf=0), meter=1.0)
