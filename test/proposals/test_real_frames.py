"""Recall on real frames, where there are any: a floor under what was reached, not a thing to tune to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spatial_llava_ros.evaluation.proposals import overall_recall, proposal_recall
from spatial_llava_ros.frames import open_source
from spatial_llava_ros.proposals import propose

from .test_propose import check_consistent


@pytest.mark.slow
def test_recall_on_hand_drawn_boxes(real_frames: list[Path]) -> None:
    frames = []
    for folder in real_frames:
        boxes = json.loads((folder / "objects_2d.json").read_text())
        frames.append((folder.name, open_source(str(folder))[0], {k: tuple(v) for k, v in boxes.items() if v}))
    results = proposal_recall(frames)
    assert max(result.proposals for result in results) <= 60
    assert overall_recall(results, 0.5) >= 0.85
    assert overall_recall(results, 0.75) >= 0.6


@pytest.mark.slow
def test_answers_on_real_frames_are_consistent(real_frames: list[Path]) -> None:
    for folder in real_frames[::4]:
        frame = open_source(str(folder))[0]
        check_consistent(propose(frame), frame)
