from __future__ import annotations

import pytest


@pytest.fixture
def server():
    """server.replies are (status, body or callable) in turn, the last one for ever; server.requests what came."""
    from remote_server import serving

    with serving() as box:
        yield box


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """checkpoints(name) is the folder of a small random model of that family, built once."""
    pytest.importorskip("torch", reason="models need the extra [model]")
    pytest.importorskip("transformers", reason="models need the extra [model]")
    import tiny

    built = {}

    def get(name: str):
        if name not in built:
            built[name] = tiny.build(name, tmp_path_factory.mktemp(name.replace(".", "_")))
        return built[name]

    return get


@pytest.fixture(scope="session")
def load(checkpoints):
    """load(name) is that model, loaded as a user's would be, once."""
    import tiny

    from spatial_llava_ros.model.loading import ModelOptions, load_model

    loaded = {}

    def get(name: str):
        if name not in loaded:
            family = tiny.FAMILY_NAMES.get(name, name)
            loaded[name] = load_model(ModelOptions(str(checkpoints(name)), quantization="none", family=family))
        return loaded[name]

    return get
