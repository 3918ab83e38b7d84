# ruff: noqa: E402
"""A small LLaVA learns 32 simulated frames by heart; then both modes must say them, in 32 bits and in 4."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="models need the extra [model]")
pytest.importorskip("transformers", reason="models need the extra [model]")
pytest.importorskip("open3d", reason="the simulator needs the extra [sim]")

import tiny
import transformers as tf

from spatial_llava_ros.model.box_mode import BoxMode
from spatial_llava_ros.model.conversation import Conversation
from spatial_llava_ros.model.families.llava import LLAVA
from spatial_llava_ros.model.loading import ModelOptions, load_model
from spatial_llava_ros.model.marks import draw_marks, mark_labels
from spatial_llava_ros.model.marks_mode import MarksMode
from spatial_llava_ros.sim import SimCamera, default_view, make_scene, render
from spatial_llava_ros.types import CameraIntrinsics, Region

FRAMES = 32
STEPS = 450
# The family with short questions, so that the test's time goes into learning and not into reading them.
SHORT = dataclasses.replace(LLAVA, prompt="{image}\n{question}:", question="box {text}", marks_question="mark {text}")
CAMERA = SimCamera(CameraIntrinsics(160, 120, 140.0, 140.0, 79.5, 59.5))


def examples():
    """(picture, marked picture, labels, boxes, target's index, words) of 32 scenes."""
    found = []
    for seed in range(200):
        scene = make_scene("tabletop", seed)
        seen = render(scene, default_view(scene), CAMERA)
        things = [o for o in seen.objects if o.pixels > 60][:8]
        single = [o for o in things if sum((p.color, p.category) == (o.color, o.category) for p in things) == 1]
        if len(things) < 3 or not single:
            continue
        target = single[seed % len(single)]
        regions = []
        for i, thing in enumerate(things):
            x1, y1, x2, y2 = (int(v) for v in thing.box_visible)
            regions.append(Region(i + 1, (x1, y1, x2, y2), seen.instance[y1:y2, x1:x2] == thing.id, 1.0))
        labels = mark_labels(len(regions))
        words = f"{target.color} {target.category}"
        marked = draw_marks(seen.frame.color, regions, labels)
        boxes = [tuple(float(v) for v in thing.box_visible) for thing in things]
        found.append((seen.frame.color, marked, labels, boxes, things.index(target), words))
        if len(found) == FRAMES:
            return found
    raise AssertionError("too few scenes with a thing that words single out")


def learn(folder, data):
    tokenizer = tiny.sentence_tokenizer(["<image>"])
    torch.manual_seed(0)
    vision = tf.CLIPVisionConfig(
        hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, image_size=112, patch_size=14
    )
    text = tf.LlamaConfig(
        hidden_size=128, intermediate_size=256, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=4,
        vocab_size=len(tokenizer),
    )  # fmt: skip
    config = tf.LlavaConfig(
        vision_config=vision, text_config=text, image_token_id=tokenizer.convert_tokens_to_ids("<image>")
    )
    processor = tf.LlavaProcessor(
        tf.CLIPImageProcessorPil(size={"shortest_edge": 112}, crop_size={"height": 112, "width": 112}),
        tokenizer, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1,
    )  # fmt: skip
    model = tf.LlavaForConditionalGeneration(config)
    samples = []
    for color, marked, labels, things, target, words in data:
        asked = SHORT.prompt.format(image="<image>", question=SHORT.marks_prompt(words, labels))
        samples.append((SHORT.prepare(marked), asked, labels[target]))
        asked = SHORT.prompt.format(image="<image>", question=SHORT.box_question(words))
        samples.append((SHORT.prepare(color), asked, SHORT.encode_box(things[target], color.shape[:2])))
    pixels, ids, targets = [], [], []
    for picture, asked, answer in samples:
        both = processor(images=[picture], text=[f"{asked} {answer}</s>"], return_tensors="pt")
        start = processor(images=[picture], text=[asked], return_tensors="pt")["input_ids"].shape[1]
        pixels.append(both["pixel_values"][0])
        ids.append(both["input_ids"][0])
        targets.append(torch.where(torch.arange(len(ids[-1])) < start, -100, ids[-1]))
    pad = tokenizer.pad_token_id
    ids = torch.nn.utils.rnn.pad_sequence(ids, batch_first=True, padding_value=pad)
    targets = torch.nn.utils.rnn.pad_sequence(targets, batch_first=True, padding_value=-100)
    pixels = torch.stack(pixels)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1.5e-3, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=STEPS)
    model.train()
    for _ in range(STEPS):
        some = torch.randperm(len(ids))[:16]
        loss = model(
            input_ids=ids[some],
            attention_mask=(ids[some] != pad).long(),
            pixel_values=pixels[some],
            labels=targets[some],
        ).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval().save_pretrained(folder)
    processor.save_pretrained(folder)
    return loss.item()


@pytest.fixture(scope="module")
def learnt(tmp_path_factory):
    folder, data = tmp_path_factory.mktemp("learnt"), examples()
    learn(folder, data)
    return folder, data


@pytest.mark.slow
@pytest.mark.parametrize("quantization", ["none", "nf4"])
def test_what_was_learnt_is_said_in_both_modes(learnt, quantization):
    folder, data = learnt
    if quantization == "nf4":
        bitsandbytes = pytest.importorskip("bitsandbytes")
    loaded = load_model(ModelOptions(str(folder), quantization=quantization))
    loaded.family = SHORT
    if quantization == "nf4":
        assert sum(isinstance(m, bitsandbytes.nn.Linear4bit) for m in loaded.model.modules()) == 3 * 7
    conversation = Conversation(loaded)
    passes = 0
    forward = conversation.forward_tokens

    def counted(*given):
        nonlocal passes
        passes += 1
        return forward(*given)

    conversation.forward_tokens = counted
    marks, boxes = MarksMode(conversation), BoxMode(conversation)
    by_mark = by_box = plain = drafted = 0
    for color, marked, labels, things, target, words in data:
        p, none = marks.ask_marks(SHORT.prepare(marked), words, labels)
        by_mark += p.argmax() == target and p.max() > none
        shape, picture = color.shape[:2], SHORT.prepare(color)
        boxes.ask(picture, shape, "picture read")
        passes = 0
        answer = boxes.ask(picture, shape, words)
        plain += passes
        passes = 0
        again = boxes.ask(picture, shape, words, drafts=[things[i] for i in np.argsort(-p)])
        drafted += passes
        assert again.text == answer.text
        by_box += answer.boxes == tuple(SHORT.decode_answer(SHORT.encode_box(things[target], shape), shape))
    print(f"{quantization}: marks {by_mark}/{FRAMES}, boxes {by_box}/{FRAMES}")
    print(f"{quantization}: {plain / FRAMES:.1f} passes a box, {drafted / FRAMES:.1f} drafted by the regions")
    assert by_mark >= (30 if quantization == "none" else 28)
    assert by_box >= (30 if quantization == "none" else 28)
    assert drafted < plain / 3
