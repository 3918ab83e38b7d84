"""Frame folders for tests: a good one, written in a line, that each test then spoils in its own way."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from spatial_llava_ros.types import RgbdFrame

CAMERA = {"width": 64, "height": 48, "fx": 60.0, "fy": 60.0, "cx": 31.5, "cy": 23.5, "depth_scale": 1000}


def write_folder(folder: Path, frame: RgbdFrame, **camera: object) -> Path:
    """Write a frame of 64x48 pixels; `camera` replaces values of camera.json, None leaves them out."""
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "color.png"), frame.color[..., ::-1])
    cv2.imwrite(str(folder / "depth.png"), np.nan_to_num(np.rint(frame.depth * 1000)).astype(np.uint16))
    values = {key: value for key, value in (CAMERA | camera).items() if value is not None}
    (folder / "camera.json").write_text(json.dumps(values))
    return folder
