"""Looks to probabilities, and probabilities to nouns."""

from __future__ import annotations

import numpy as np

from spatial_llava_ros.fitting.forms import best_temperature, train
from spatial_llava_ros.grounding import forms, nouns
from spatial_llava_ros.lift.shape import LOOKS


def one(form: str) -> np.ndarray:
    return np.array([[float(name == form) for name in forms.forms()]])


def suits(noun: str, form: str, size=(0.1, 0.1, 0.1)) -> float:
    return float(nouns.noun_fit(noun, np.array([size]), {}, one(form))[0])


def test_stored_weights_are_for_the_numbers_of_a_shape():
    likely = forms.likeness(np.zeros((3, len(LOOKS))))
    assert likely.shape == (3, len(forms.forms()))
    assert np.allclose(likely.sum(axis=1), 1)
    assert {form for members in forms.KINDS.values() for form in members} <= set(forms.forms())


def test_what_was_not_measured_is_unknown():
    likely = forms.likeness(np.full((1, len(LOOKS)), np.nan))
    assert np.isnan(likely).all()
    assert 0 < nouns.noun_fit("mug", np.full((1, 3), np.nan), {}, likely)[0] < 0.5


def test_people_say_neighbouring_nouns():
    assert suits("mug", "mug") == 1
    assert suits("cup", "mug") == 1
    assert 0 < suits("mug", "cup") < 1
    assert suits("mug", "book") == 0
    assert suits("box", "tissue box") == 1


def test_a_noun_beyond_the_forms_is_held_to_its_size():
    assert suits("jar", "can", (0.1, 0.1, 0.15)) > 0.5
    assert suits("jar", "can", (0.9, 0.9, 1.2)) < 0.1


def test_every_noun_that_is_called_something_can_be_judged():
    assert all(nouns.knows(noun) for noun in nouns._CALLED)
    assert all(form in forms.forms() for called in nouns._CALLED.values() for form in called)


def test_an_unknown_noun_is_likened_to_known_ones():
    assert not nouns.knows("wine glass")
    assert "glass" in nouns.likened("wine glass")
    assert nouns.likened("zyzzyva") == ()
    size = np.array([[0.1, 0.1, 0.1]] * 2)
    cup, book = nouns.likened_fit("wine glass", size, {}, np.concatenate([one("cup"), one("book")]))
    assert cup > 0.7 > 0.3 > book > 0
    assert nouns.likened_fit("zyzzyva", size, {}, np.concatenate([one("cup"), one("book")])) is None


def test_training_tells_clouds_apart_and_says_less_of_what_it_has_not_seen():
    rng = np.random.default_rng(0)
    names = np.repeat(["a", "b", "c"], 80)
    centre = {"a": (0, 0, 0), "b": (4, 0, 0), "c": (0, 4, 0)}
    looks = np.array([centre[name] for name in names]) + rng.normal(0, 1, (240, 3))
    target = np.unique(names, return_inverse=True)[1]
    net = train(looks, target, 3)
    right = forms.logits(net, forms.standard(net, looks)).argmax(axis=1) == target
    assert right.mean() > 0.9
    moved = np.concatenate([looks, looks + rng.normal(0, 4, looks.shape)])
    strange = np.arange(480) >= 240
    assert best_temperature(moved, np.tile(names, 2), strange) > 1.2
    assert np.isfinite(net.outer).all() and net.outer.shape[1] == 3
