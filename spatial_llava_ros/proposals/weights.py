"""Weights of the score, fitted on the simulator by `fitting.py`: of each feature and of its square."""

WEIGHTS = {
    "outer color": (0.0249, 0.0062),
    "outer near": (0.0503, -0.0048),
    "outer far": (-0.0091, -0.0054),
    "outer concave": (-0.0187, -0.0002),
    "outer convex": (-0.0231, -0.0008),
    "outer strong": (-0.0050, 0.0036),
    "outer onto_plane": (0.0204, -0.0030),
    "outer off_plane": (-0.0114, 0.0051),
    "inner color": (-0.0008, 0.0068),
    "inner jump": (-0.0237, 0.0019),
    "inner concave": (-0.0198, 0.0063),
    "inner convex": (0.0282, -0.0032),
    "inner strong": (-0.0332, 0.0041),
    "inner plane": (-0.0289, 0.0077),
    "inner share": (0.0160, 0.0017),
    "gap": (0.0048, 0.0046),
    "cost": (0.0692, -0.0073),
    "border": (-0.0045, -0.0025),
    "solid": (0.0258, -0.0003),
    "round": (0.0013, -0.0037),
    "log area": (0.0520, 0.0037),
    "log size": (-0.0077, -0.0217),
    "depth": (0.0060, 0.0076),
    "on plane": (-0.0079, 0.0011),
    "on support": (0.0022, -0.0039),
}
BIAS = 0.0468
CALIBRATION = (16.89, -6.60)
