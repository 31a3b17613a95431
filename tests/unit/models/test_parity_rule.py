"""The rule of the parity fixtures gives the numbers that were published with it."""

from hashlib import sha256

import numpy as np
from parity_weights import normal, value


def test_check_values() -> None:
    assert int.from_bytes(sha256(b"input/image").digest()[:8], "little") == 2167615159258584554
    published = [-0.96425429, -0.77770807, 0.29501912, 0.46732572]
    assert np.allclose(normal("input/image", (2, 2)).ravel(), published, atol=5e-9)
    assert np.allclose(value("input/image", (4,), offset=1.0, scale=0.5), 1 + 0.5 * np.array(published))
