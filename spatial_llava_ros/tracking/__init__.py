"""Tracking: where the object that was meant is now, at the camera's rate, between two questions.

predicted box -> window of the picture -> mask by depth and colour -> lift -> filtered pose, or why it is not seen
"""

from __future__ import annotations

from spatial_llava_ros.tracking.tracker import Tracked, Tracker, TrackState

__all__ = ["TrackState", "Tracked", "Tracker"]
