"""Weights of the score, fitted on the simulator by `fitting.py`: of each feature and of its square."""

WEIGHTS = {
    "outer color": (0.0439, 0.0022),
    "outer near": (0.0549, -0.0049),
    "outer far": (-0.0069, -0.0052),
    "outer concave": (-0.0098, -0.0007),
    "outer convex": (-0.0160, -0.0008),
    "outer strong": (-0.0319, 0.0018),
    "outer onto_plane": (0.0166, -0.0019),
    "outer off_plane": (-0.0087, 0.0042),
    "inner color": (0.0072, 0.0028),
    "inner jump": (-0.0183, 0.0005),
    "inner concave": (-0.0175, 0.0055),
    "inner convex": (0.0295, -0.0034),
    "inner strong": (-0.0384, 0.0091),
    "inner plane": (-0.0112, 0.0036),
    "inner share": (0.0118, 0.0035),
    "gap": (0.0059, 0.0040),
    "cost": (0.0650, -0.0067),
    "border": (-0.0062, -0.0005),
    "solid": (0.0271, -0.0010),
    "round": (0.0005, -0.0034),
    "log area": (0.0422, 0.0011),
    "log size": (0.0037, -0.0222),
    "depth": (0.0152, 0.0089),
    "on plane": (-0.0082, -0.0007),
    "on support": (0.0019, -0.0030),
}
BIAS = 0.0553
CALIBRATION = (17.05, -6.56)
