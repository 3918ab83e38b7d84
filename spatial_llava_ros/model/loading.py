"""A checkpoint from disk or hub into memory: quantised where it pays, never running code that came with it.

The language model's linear layers are quantised by bitsandbytes; the vision tower, the projector, the visual position
prompt and the output layer stay as they are (quantised attention outputs break vision heads: bitsandbytes#963).
Only safetensors files are read, remote code never runs.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spatial_llava_ros.errors import MissingDependencyError
from spatial_llava_ros.model.errors import ModelLoadError, ModelMemoryError
from spatial_llava_ros.model.families import family_of
from spatial_llava_ros.model.families.family import Family
from spatial_llava_ros.model.families.qwen_vl import Qwen25VL
from spatial_llava_ros.model.interruption import Interruption
from spatial_llava_ros.model.output_layer import read_output_layer_once

QUANTIZATIONS = ("nf4", "int8", "bf16", "none")
# Parts that are never quantised, by the names transformers' families give them.
UNQUANTIZED = (
    "vision_tower", "vision_model", "visual", "vision_backbone", "image_tower", "vit", "multi_modal_projector",
    "connector", "image_to_text_projection", "image_projection", "vpp", "lm_head",
)  # fmt: skip


@dataclass(frozen=True)
class ModelOptions:
    """What to load and how.

    Attributes:
        path: folder of a checkpoint, or its id on the hub.
        revision: commit, tag or branch on the hub; empty for the default one.
        family: name in `families.FAMILIES`, where the class alone does not tell; empty to go by the class.
        quantization: nf4 (4 bit), int8, bf16, or none (the device's own precision). A checkpoint that was saved
            quantised is loaded as it was saved.
        double_quant: also quantise NF4's scales: 0.4 bit per weight less memory, some speed.
        device: auto, cpu, cuda, cuda:1 …
        offline: do not ask the network, not even whether a cached file is current.
        adapters: name -> folder or hub id of a PEFT LoRA adapter.
        cuda_graphs: replay short passes as CUDA graphs, where there is CUDA.
        kept_pictures: pictures whose keys and values are kept for the next question: the plain one, the marked one and
            a second round of marks. Each takes about 0.35 GB with a 7B model at 700 tokens in 16 bits.
    """

    path: str
    revision: str = ""
    family: str = ""
    quantization: str = "nf4"
    double_quant: bool = False
    device: str = "auto"
    offline: bool = True
    adapters: dict[str, str] = field(default_factory=dict)
    cuda_graphs: bool = True
    kept_pictures: int = 3

    def __post_init__(self) -> None:
        if not self.path:
            raise ModelLoadError("model path is empty")
        if self.kept_pictures < 0:
            raise ModelLoadError(f"kept_pictures must not be negative, got {self.kept_pictures}")
        if self.quantization not in QUANTIZATIONS:
            raise ModelLoadError(f"quantization must be one of {', '.join(QUANTIZATIONS)}, got {self.quantization!r}")


@dataclass(eq=False)
class LoadedModel:
    """A model ready to be asked.

    Attributes:
        model, processor: of transformers.
        family: how it is asked and answers.
        options: as given.
        device, dtype: of torch; dtype is the one computed in.
        bytes: of weights and buffers.
        free_before, free_after: bytes of device memory around loading.
        vpp: a `vpp.VisualPositionPrompt`, where the checkpoint brings one.
        interruption: an `interruption.Interruption` of its passes; of nothing on a GPU.
    """

    model: Any
    processor: Any
    family: Family
    options: ModelOptions
    device: Any
    dtype: Any
    bytes: int
    free_before: int
    free_after: int
    vpp: Any = None
    interruption: Interruption = field(default_factory=Interruption)

    @property
    def memory(self) -> str:
        """One line for logs and diagnostics."""
        gb = 1e9
        return (
            f"{self.bytes / gb:.2f} GB of weights on {self.device}; free memory {self.free_before / gb:.2f} GB before "
            f"loading, {self.free_after / gb:.2f} GB after"
        )


def load_model(options: ModelOptions) -> LoadedModel:
    """Load a checkpoint.

    Raises:
        MissingDependencyError: torch, transformers or bitsandbytes is not installed.
        ModelLoadError: nothing usable at the path, or a device that is not there.
        ModelMemoryError: the device is too small for it.
    """
    torch, transformers = _import_libraries()
    from safetensors import SafetensorError

    from spatial_llava_ros.model.kept_sight import keep_sight
    from spatial_llava_ros.model.processors import load_processor

    device = _device(torch, options.device)
    dtype = _dtype(torch, device, options.quantization)
    where: dict[str, Any] = {"local_files_only": options.offline, "trust_remote_code": False}
    if options.revision:
        where["revision"] = options.revision
    folder = Path(options.path).expanduser()
    if folder.is_dir():
        _check_folder(folder)
    elif options.path.startswith(("/", "./", "../", "~")):
        raise ModelLoadError(f"no model at {options.path}: no such folder")
    path = str(folder) if folder.is_dir() else options.path
    before = free_memory(torch, device)
    try:
        config = transformers.AutoConfig.from_pretrained(path, **where)
        family = family_of(config.model_type, options.family)
        processor = load_processor(path, config.model_type, **where)
        quantized = getattr(config, "quantization_config", None) is not None
        if quantized or options.quantization in ("nf4", "int8") or options.adapters:
            _keep_bitsandbytes_local()
        if not quantized and options.quantization in ("nf4", "int8"):
            skip = unquantized_modules(torch, transformers, config, whole_blocks=device.type == "cpu")
            where["quantization_config"] = _quantization(torch, transformers, options, dtype, skip)
        model = transformers.AutoModelForImageTextToText.from_pretrained(
            path, dtype=dtype, use_safetensors=True, device_map={"": str(device)}, **where
        )
        for name, adapter in options.adapters.items():
            model = _add_adapter(model, name, adapter, options.offline)
    except ModelLoadError:
        raise
    except torch.OutOfMemoryError as error:
        raise ModelMemoryError(f"{options.path} does not fit on {device}: {_line(error)}") from error
    except (
        OSError,
        ValueError,
        KeyError,
        RuntimeError,
        ImportError,
        TypeError,
        AttributeError,
        SafetensorError,
    ) as error:
        raise ModelLoadError(f"cannot load {options.path}: {_line(error)}") from error
    model.eval().requires_grad_(False)
    read_output_layer_once(model)
    if family.prefix_lm or getattr(config, "is_encoder_decoder", False):
        keep_sight(model.model)
    if isinstance(family, Qwen25VL):
        family = family.for_processor(processor.image_processor)
    prompt = _visual_position_prompt(folder, device)
    parts = [model] if prompt is None else [model, prompt]
    tensors = [*model.parameters(), *model.buffers(), *(prompt.parameters() if prompt is not None else ())]
    weights = sum(_bytes(t) for t in tensors)
    return LoadedModel(
        model, processor, family, options, device, dtype, weights, before, free_memory(torch, device), prompt,
        Interruption(*(parts if device.type == "cpu" else ())),
    )  # fmt: skip


def _visual_position_prompt(folder: Path, device: Any) -> Any:
    """The prompt beside a LLaVA's weights, never quantised and in full precision; None where there is none."""
    from spatial_llava_ros.model.vpp import VisualPositionPrompt

    if not VisualPositionPrompt.present(folder):
        return None
    return VisualPositionPrompt.load(folder).to(device).requires_grad_(False)


def save_model(loaded: LoadedModel, folder: str | Path) -> None:
    """Write a model as it is in memory, quantised weights included, so that a small board loads only those.

    Save before the first question: on a CPU bitsandbytes repacks its weights then, and what it writes is less exact.
    """
    loaded.model.save_pretrained(folder, safe_serialization=True)
    loaded.processor.save_pretrained(folder)
    if loaded.vpp is not None:
        loaded.vpp.save(folder)


def use_adapter(loaded: LoadedModel, name: str) -> None:
    """Switch to one of the adapters by name, or to none of them with "".

    Raises:
        ModelLoadError: no adapter of that name.
    """
    if not name:
        if loaded.options.adapters:
            loaded.model.disable_adapters()
        return
    if name not in loaded.options.adapters:
        known = ", ".join(loaded.options.adapters) or "none"
        raise ModelLoadError(f"no adapter {name!r} is loaded; loaded: {known}")
    loaded.model.enable_adapters()
    loaded.model.set_adapter(name)


def free_memory(torch: Any, device: Any) -> int:
    """Bytes that can still be had: of the GPU, or of the machine where CPU and GPU share it or there is none."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable"):
            return int(line.split()[1]) * 1024
    return 0


def _import_libraries() -> tuple[Any, Any]:
    try:
        import torch
        import transformers
    except ImportError as error:
        raise MissingDependencyError(
            f"a model needs {error.name}: pip install 'spatial_llava_ros[model]' (on a Jetson see docs/models.md)"
        ) from error
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return torch, transformers


def _keep_bitsandbytes_local() -> None:
    """Import bitsandbytes, where it is installed, without the compiled code that it asks the hub for.

    On CPUs with AVX512-BF16 its import calls the package `kernels`, if there is one, to download a library and run it;
    code that comes over the network never runs here. Without it bitsandbytes warns, and multiplies 4-bit weights by
    the library it brings itself.
    """
    if "bitsandbytes" in sys.modules or importlib.util.find_spec("bitsandbytes") is None:
        return
    log = logging.getLogger("bitsandbytes.backends.cpu.ops")
    known = sys.modules.get("kernels")
    log.addFilter(_is_no_news)
    sys.modules["kernels"] = None
    try:
        importlib.import_module("bitsandbytes")
    except Exception:  # said by whoever needs it
        pass
    finally:
        log.removeFilter(_is_no_news)
        del sys.modules["kernels"]
        if known is not None:
            sys.modules["kernels"] = known


def _is_no_news(record: logging.LogRecord) -> bool:
    return "kernels-community" not in record.getMessage()


def _device(torch: Any, name: str) -> Any:
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ModelLoadError(f"unknown device {name!r}") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ModelLoadError(f"device {name!r} asked for, but torch {torch.__version__} sees no CUDA GPU")
    return device


def _dtype(torch: Any, device: Any, quantization: str) -> Any:
    """What is computed in: bfloat16 where the GPU has it, float16 on older ones, float32 on a CPU."""
    if quantization == "bf16":
        return torch.bfloat16
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


def unquantized_modules(torch: Any, transformers: Any, config: Any, whole_blocks: bool = False) -> list[str]:
    """Full names of the outermost modules that stay as they are, from an empty model of the same configuration.

    Args:
        whole_blocks: also leave layers whose rows are no whole blocks of 64, which bitsandbytes cannot run on a CPU.
    """
    with torch.device("meta"):
        empty = transformers.AutoModelForImageTextToText.from_config(config)
    names: list[str] = []
    for name, module in empty.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in names)
        odd = whole_blocks and isinstance(module, torch.nn.Linear) and module.in_features % 64 != 0
        if not inside and (odd or name.rpartition(".")[2] in UNQUANTIZED):
            names.append(name)
    return names


def _quantization(torch: Any, transformers: Any, options: ModelOptions, dtype: Any, skip: list[str]) -> Any:
    try:
        import bitsandbytes  # noqa: F401
    except ImportError as error:
        raise MissingDependencyError("4- and 8-bit models need bitsandbytes: pip install bitsandbytes") from error
    if options.quantization == "int8":
        return transformers.BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=skip)
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=dtype,
        bnb_4bit_use_double_quant=options.double_quant,
        llm_int8_skip_modules=skip,
    )


def _add_adapter(model: Any, name: str, path: str, offline: bool) -> Any:
    folder = Path(path).expanduser()
    if folder.is_dir() and not (folder / "adapter_model.safetensors").is_file():
        raise ModelLoadError(f"adapter {name!r}: {path} has no adapter_model.safetensors")
    if not folder.is_dir() and path.startswith(("/", "./", "../", "~")):
        raise ModelLoadError(f"adapter {name!r}: no such folder {path}")
    try:
        model.load_adapter(
            str(folder) if folder.is_dir() else path,
            adapter_name=name,
            adapter_kwargs={"local_files_only": offline},
            use_safetensors=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
        raise ModelLoadError(f"adapter {name!r} from {path} does not fit the model: {_line(error)}") from error
    return model


def _check_folder(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise ModelLoadError(f"no model at {folder}: it has no config.json")
    if not any(folder.glob("*.safetensors")):
        raise ModelLoadError(f"no weights at {folder}: it has no .safetensors file (other formats are not read)")


def _bytes(tensor: Any) -> int:
    """Bytes of a parameter with the scales that bitsandbytes keeps beside it."""
    state = getattr(tensor, "quant_state", None)
    nested = getattr(state, "state2", None)
    scales = [getattr(state, "absmax", None), getattr(nested, "absmax", None), getattr(tensor, "SCB", None)]
    return sum(t.numel() * t.element_size() for t in (tensor, *scales) if t is not None)


def _line(error: BaseException) -> str:
    """The first line of a library's message."""
    text = str(error).strip().splitlines() or [type(error).__name__]
    return text[0][:300]
