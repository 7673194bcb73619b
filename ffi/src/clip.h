/* clip.h: how the clip functions read a clip block, and the ranges that soma_clip_validate grants to them. */
#ifndef SOMA_CLIP_H
#define SOMA_CLIP_H

#include "simd.h"
#include "soma.h"

/* Bounds that keep every intermediate value of sampling finite in float32. They are part of the clip format. */
#define SOMA_MAX_SECONDS 1e9   /* of every time, |t| */
#define SOMA_MAX_VALUE 1e18    /* of translations, scales and tangents, |v| */
#define SOMA_MIN_ROTATION 1e-6 /* length of a rotation key */
#define SOMA_MAX_ROTATION 1e6

enum { SOMA_TRANSLATION = 0, SOMA_ROTATION = 1, SOMA_SCALE = 2, SOMA_PROPERTIES = 3 };

SOMA_INLINE const void *soma_clip_at(const soma_clip *clip, uint32_t offset) { return (const uint8_t *)clip + offset; }

SOMA_INLINE uint32_t soma_property_width(uint32_t property) { return property == SOMA_ROTATION ? 4u : 3u; }

#endif
