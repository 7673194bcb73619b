"""Writes test/golden/opencv-resize.json: small pictures resized by OpenCV, the oracle of test/native/image.test.ts.

Run with Debian's python3-opencv and python3-numpy; the pictures come from a generator that the test repeats.
"""
import base64
import json
import pathlib

import cv2
import numpy

FILTERS = {"area": cv2.INTER_AREA, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
CASES = [
    # filter, channels, source width, height, destination width, height
    ("area", 3, 48, 36, 24, 18),
    ("area", 3, 48, 36, 12, 9),
    ("area", 3, 53, 37, 31, 22),
    ("area", 1, 61, 40, 61, 17),
    ("area", 4, 50, 28, 49, 28),
    ("cubic", 3, 31, 22, 53, 37),
    ("cubic", 1, 24, 18, 96, 72),
    ("cubic", 3, 40, 30, 42, 28),
    ("cubic", 4, 17, 13, 34, 13),
    ("linear", 3, 31, 22, 53, 37),
    ("linear", 3, 53, 37, 31, 22),
    ("linear", 1, 9, 7, 40, 33),
]


def picture(width, height, channels, seed):
    """Half noise, half a gradient: a 32-bit linear congruential generator, row by row."""
    state, out = seed, numpy.empty((height, width, channels), numpy.uint8)
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
                noise = state >> 24
                out[y, x, c] = noise if (x // 8 + y // 8) % 2 else (x * 5 + y * 3 + c * 40) & 0xFF
    return out


def main():
    cases = []
    for seed, (name, channels, width, height, to_width, to_height) in enumerate(CASES, 1):
        source = picture(width, height, channels, seed)
        result = cv2.resize(source, (to_width, to_height), interpolation=FILTERS[name])
        cases.append(
            {
                "filter": name,
                "channels": channels,
                "source": [width, height],
                "size": [to_width, to_height],
                "seed": seed,
                "base64": base64.b64encode(result.tobytes()).decode(),
            }
        )
    path = pathlib.Path(__file__).parent.parent / "golden" / "opencv-resize.json"
    path.write_text(json.dumps({"opencv": cv2.__version__, "cases": cases}, indent=1) + "\n")


main()
