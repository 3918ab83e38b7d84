"""How the weights came about: `python -m spatial_llava_ros.fitting` fits all of them on simulated scenes, in order.

The score of a proposal, what a region looks like, how sure it is one whole thing, and how much each part of a phrase
counts: each is fitted on what the ones before it give.
"""
