"""Procedural indoor RGB-D scenes with exact truth: the demo's camera, the ruler of every accuracy figure.

    scene = make_scene("tabletop", seed=3)
    shot = render(scene, default_view(scene), SimCamera())
    shot.frame, shot.instance, shot.objects

Open3D is imported when the first ray is cast, not before.
"""

from __future__ import annotations

from spatial_llava_ros.sim.camera import SimCamera, camera_path, default_view, look_at
from spatial_llava_ros.sim.expressions import SimExpression, generate_expressions
from spatial_llava_ros.sim.layouts import LAYOUTS, make_scene
from spatial_llava_ros.sim.noise import D435, KINECT1, NONE, ColorNoise, DepthNoise
from spatial_llava_ros.sim.plain_speech import plain_expressions
from spatial_llava_ros.sim.rendering import render
from spatial_llava_ros.sim.scene import Scene
from spatial_llava_ros.sim.sensors import SENSORS, usual_camera
from spatial_llava_ros.sim.spatial_truth import SpatialTruth
from spatial_llava_ros.sim.truth import SimFrame, TrueObject

__all__ = [
    "D435",
    "KINECT1",
    "LAYOUTS",
    "NONE",
    "SENSORS",
    "ColorNoise",
    "DepthNoise",
    "Scene",
    "SimCamera",
    "SimExpression",
    "SimFrame",
    "SpatialTruth",
    "TrueObject",
    "camera_path",
    "default_view",
    "generate_expressions",
    "look_at",
    "make_scene",
    "plain_expressions",
    "render",
    "usual_camera",
]
