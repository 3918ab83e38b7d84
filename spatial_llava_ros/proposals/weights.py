"""Weights of the score, of each feature and its square, as printed by `fitting.py` for 20 scenes a layout."""

WEIGHTS = {
    "outer color": (0.0419, 0.0035),
    "outer near": (0.0536, -0.0038),
    "outer far": (-0.0109, -0.0038),
    "outer concave": (-0.0071, -0.0004),
    "outer convex": (-0.0167, -0.0009),
    "outer strong": (-0.0316, 0.0010),
    "outer onto_plane": (0.0165, -0.0038),
    "outer off_plane": (-0.0069, 0.0046),
    "inner color": (-0.0180, 0.0068),
    "inner jump": (-0.0079, -0.0019),
    "inner concave": (-0.0306, 0.0081),
    "inner convex": (0.0300, -0.0030),
    "inner strong": (-0.0037, 0.0037),
    "inner plane": (0.0009, -0.0007),
    "inner share": (0.0096, 0.0032),
    "gap": (0.0044, 0.0047),
    "cost": (0.0521, -0.0037),
    "border": (-0.0042, -0.0010),
    "solid": (0.0260, -0.0010),
    "round": (0.0007, -0.0030),
    "log area": (0.0341, 0.0037),
    "log size": (0.0090, -0.0203),
    "depth": (0.0098, 0.0061),
    "on plane": (-0.0068, 0.0005),
    "on support": (0.0015, -0.0042),
}
BIAS = 0.0503
CALIBRATION = (16.52, -6.47)
