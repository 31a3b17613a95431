"""All inputs by name."""

from collections.abc import Mapping

from fuzz.harness import Input
from fuzz.inputs import cards, data, images, results, servers, weights

INPUTS: Mapping[str, Input] = {
    each.name: each for of in (data, cards, results, weights, images, servers) for each in of.INPUTS
}
