"""Weights of the score, fitted on the simulator by `fitting.py`: of each feature and of its square."""

WEIGHTS = {
    "outer color": (0.0281, 0.0057),
    "outer near": (0.0508, -0.0050),
    "outer far": (-0.0107, -0.0053),
    "outer concave": (-0.0164, -0.0003),
    "outer convex": (-0.0221, -0.0011),
    "outer strong": (-0.0061, 0.0038),
    "outer onto_plane": (0.0175, -0.0026),
    "outer off_plane": (-0.0083, 0.0053),
    "inner color": (-0.0053, 0.0070),
    "inner jump": (-0.0157, 0.0003),
    "inner concave": (-0.0226, 0.0066),
    "inner convex": (0.0285, -0.0036),
    "inner strong": (-0.0183, 0.0028),
    "inner plane": (-0.0158, 0.0052),
    "inner share": (0.0133, 0.0006),
    "gap": (0.0011, 0.0060),
    "cost": (0.0472, -0.0027),
    "border": (-0.0055, -0.0018),
    "solid": (0.0274, -0.0005),
    "round": (0.0006, -0.0041),
    "log area": (0.0543, 0.0062),
    "log size": (-0.0091, -0.0223),
    "depth": (0.0046, 0.0070),
    "on plane": (-0.0080, 0.0007),
    "on support": (0.0007, -0.0047),
}
BIAS = 0.0451
CALIBRATION = (16.73, -6.55)
