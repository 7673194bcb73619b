/* image_sums.c: sums over rectangles and tiles, optionally of skin only: the input of pulse measurement, every frame.
 * A run of pixels of any format is laid out as channel rows first; then it is masked, then the parts of each tile are added. */
#include "image.h"

#include <stddef.h>
#include <string.h>

#if defined(SOMA_X86)
#include <emmintrin.h>
#elif defined(SOMA_NEON)
#include <arm_neon.h>
#endif

enum { RUN = 512, BLOCK = 16 }; /* pixels; RUN is a multiple of BLOCK, both are even */

/* A run of one row. channels are what is summed, ycbcr what the mask looks at. Blocks are computed whole: beyond the pixels of the
 * run lie bytes of no meaning, which are never summed. */
typedef struct run {
  uint8_t channels[3][RUN];
  uint8_t ycbcr[3][RUN];
  uint8_t mask[RUN];    /* 255 counts, 0 does not */
  uint8_t clipped[RUN]; /* 255: counts and is clipped */
} run;

/* ---- bytes, sixteen at a time ------------------------------------------------------------------------- */

#if defined(SOMA_X86)

/* out = among, where low <= in <= high; else 0. */
SOMA_INLINE void keep_in_range(uint8_t *out, const uint8_t *among, const uint8_t *in, uint32_t count, uint8_t low,
                               uint8_t high) {
  const __m128i least = _mm_set1_epi8((char)low), most = _mm_set1_epi8((char)high);
  for (uint32_t i = 0; i < count; i += BLOCK) {
    const __m128i value = _mm_loadu_si128((const __m128i *)(const void *)(in + i));
    const __m128i from = _mm_cmpeq_epi8(_mm_max_epu8(value, least), value);
    const __m128i to = _mm_cmpeq_epi8(_mm_min_epu8(value, most), value);
    const __m128i kept = _mm_loadu_si128((const __m128i *)(const void *)(among + i));
    _mm_storeu_si128((__m128i *)(void *)(out + i), _mm_and_si128(kept, _mm_and_si128(from, to)));
  }
}

/* Eight samples, each twice. */
SOMA_INLINE void double_planar(uint8_t *out, const uint8_t *in) {
  const __m128i value = _mm_loadl_epi64((const __m128i *)(const void *)in);
  _mm_storeu_si128((__m128i *)(void *)out, _mm_unpacklo_epi8(value, value));
}

/* Eight samples at the even places of sixteen bytes (first), and those at the odd ones (second), each twice. */
SOMA_INLINE void double_interleaved(uint8_t *first, uint8_t *second, const uint8_t *in) {
  const __m128i both = _mm_loadu_si128((const __m128i *)(const void *)in);
  const __m128i even = _mm_and_si128(both, _mm_set1_epi16(0xff)), odd = _mm_srli_epi16(both, 8);
  _mm_storeu_si128((__m128i *)(void *)first, _mm_or_si128(even, _mm_slli_epi16(even, 8)));
  _mm_storeu_si128((__m128i *)(void *)second, _mm_or_si128(odd, _mm_slli_epi16(odd, 8)));
}

/* The sum of the bytes of one block, where the mask is set. */
SOMA_INLINE uint32_t sum_block(const uint8_t *in, const uint8_t *mask) {
  const __m128i value = _mm_loadu_si128((const __m128i *)(const void *)in);
  const __m128i kept = _mm_and_si128(value, _mm_loadu_si128((const __m128i *)(const void *)mask));
  const __m128i halves = _mm_sad_epu8(kept, _mm_setzero_si128());
  return (uint32_t)_mm_cvtsi128_si32(halves) + (uint32_t)_mm_extract_epi16(halves, 4);
}

#elif defined(SOMA_NEON)

SOMA_INLINE void keep_in_range(uint8_t *out, const uint8_t *among, const uint8_t *in, uint32_t count, uint8_t low,
                               uint8_t high) {
  for (uint32_t i = 0; i < count; i += BLOCK) {
    const uint8x16_t value = vld1q_u8(in + i);
    const uint8x16_t inside = vandq_u8(vcgeq_u8(value, vdupq_n_u8(low)), vcleq_u8(value, vdupq_n_u8(high)));
    vst1q_u8(out + i, vandq_u8(vld1q_u8(among + i), inside));
  }
}

SOMA_INLINE void double_planar(uint8_t *out, const uint8_t *in) {
  const uint8x8_t value = vld1_u8(in);
  vst1q_u8(out, vcombine_u8(vzip1_u8(value, value), vzip2_u8(value, value)));
}

SOMA_INLINE void double_interleaved(uint8_t *first, uint8_t *second, const uint8_t *in) {
  const uint8x16_t both = vld1q_u8(in);
  vst1q_u8(first, vtrn1q_u8(both, both));
  vst1q_u8(second, vtrn2q_u8(both, both));
}

SOMA_INLINE uint32_t sum_block(const uint8_t *in, const uint8_t *mask) {
  return vaddlvq_u8(vandq_u8(vld1q_u8(in), vld1q_u8(mask)));
}

#else

SOMA_INLINE void keep_in_range(uint8_t *out, const uint8_t *among, const uint8_t *in, uint32_t count, uint8_t low,
                               uint8_t high) {
  for (uint32_t i = 0; i < count; i++) out[i] = in[i] >= low && in[i] <= high ? among[i] : 0;
}

SOMA_INLINE void double_planar(uint8_t *out, const uint8_t *in) {
  for (uint32_t i = 0; i < BLOCK; i++) out[i] = in[i / 2];
}

SOMA_INLINE void double_interleaved(uint8_t *first, uint8_t *second, const uint8_t *in) {
  for (uint32_t i = 0; i < BLOCK; i++) {
    first[i] = in[i / 2 * 2];
    second[i] = in[i / 2 * 2 + 1];
  }
}

SOMA_INLINE uint32_t sum_block(const uint8_t *in, const uint8_t *mask) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < BLOCK; i++) sum += in[i] & mask[i];
  return sum;
}

#endif

SOMA_INLINE uint32_t sum_bytes(const uint8_t *in, const uint8_t *mask, uint32_t count) {
  uint32_t sum = 0, i = 0;
  for (; i + BLOCK <= count; i += BLOCK) sum += sum_block(in + i, mask + i);
  for (; i < count; i++) sum += in[i] & mask[i];
  return sum;
}

/* ---- a run: samples, then mask ------------------------------------------------------------------------ */

SOMA_INLINE uint8_t limited(int32_t r, int32_t g, int32_t b, int32_t kr, int32_t kg, int32_t kb, int32_t offset) {
  return (uint8_t)((kr * r + kg * g + kb * b + (offset << 16) + (1 << 15)) >> 16);
}

/* Limited BT.601 with 16 fraction bits; results need no clamp. */
static void derive_ycbcr(run *out, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    const int32_t r = out->channels[0][i], g = out->channels[1][i], b = out->channels[2][i];
    out->ycbcr[0][i] = limited(r, g, b, 16829, 33039, 6416, 16);
    out->ycbcr[1][i] = limited(r, g, b, -9714, -19070, 28784, 128);
    out->ycbcr[2][i] = limited(r, g, b, 28784, -24103, -4681, 128);
  }
}

static void load_packed(run *out, const soma_plane *plane, uint32_t x, uint32_t y, uint32_t count) {
  const uint32_t step = plane->channels;
  const uint8_t *in = soma_row(plane, y) + (uint64_t)x * step;
  if (step == 1) {
    memcpy(out->channels[0], in, count);
    memset(out->channels[1], 0, count);
    memset(out->channels[2], 0, count);
    return;
  }
  for (uint32_t c = 0; c < 3; c++) {
    for (uint32_t i = 0; i < count; i++) out->channels[c][i] = in[i * step + c];
  }
}

/* Chroma samples once per pixel. A run may start at the second pixel of a sample: then that one is taken by itself. */
static void load_chroma(run *out, const soma_plane *planes, uint32_t format, uint32_t x, uint32_t y, uint32_t count) {
  const bool interleaved = format == SOMA_NV12;
  const uint32_t step = interleaved ? 2 : 1;
  const uint8_t *cb = soma_row(&planes[1], y / 2) + (uint64_t)(x / 2) * step;
  const uint8_t *cr = interleaved ? cb + 1 : soma_row(&planes[2], y / 2) + x / 2;
  uint8_t *u = out->channels[1], *v = out->channels[2];
  uint32_t i = 0;
  for (; x % 2 == 0 && i + BLOCK <= count; i += BLOCK, cb += step * BLOCK / 2, cr += step * BLOCK / 2) {
    if (interleaved) {
      double_interleaved(u + i, v + i, cb);
    } else {
      double_planar(u + i, cb);
      double_planar(v + i, cr);
    }
  }
  for (const uint32_t odd = x % 2, first = i; i < count; i++) {
    u[i] = cb[(i - first + odd) / 2 * step];
    v[i] = cr[(i - first + odd) / 2 * step];
  }
}

typedef struct source {
  uint32_t format;
  soma_plane planes[3];
  const soma_skin *skin;
} source;

static void mask_skin(run *r, const source *s, uint32_t count) {
  const bool grey = s->format == SOMA_GREY, packed = !grey && !soma_is_ycbcr(s->format);
  if (packed) derive_ycbcr(r, count);
  uint8_t(*const ycbcr)[RUN] = packed ? r->ycbcr : r->channels;
  const soma_skin *skin = s->skin;
  keep_in_range(r->mask, r->mask, ycbcr[0], count, skin->y_min, skin->y_max);
  if (!grey) {
    keep_in_range(r->mask, r->mask, ycbcr[1], count, skin->cb_min, skin->cb_max);
    keep_in_range(r->mask, r->mask, ycbcr[2], count, skin->cr_min, skin->cr_max);
  }
  if (skin->clipped_from == 0) return;
  uint8_t *brightest = r->channels[0];
  if (packed) { /* the mask is made, so the place of Y' is free */
    brightest = r->ycbcr[0];
    for (uint32_t i = 0; i < count; i++) {
      const uint8_t red = r->channels[0][i], green = r->channels[1][i], blue = r->channels[2][i];
      const uint8_t higher = red > green ? red : green;
      brightest[i] = higher > blue ? higher : blue;
    }
  }
  keep_in_range(r->clipped, r->mask, brightest, count, skin->clipped_from, 255);
}

static void load_run(run *r, const source *s, uint32_t x, uint32_t y, uint32_t count) {
  if (soma_is_ycbcr(s->format)) {
    memcpy(r->channels[0], soma_row(&s->planes[0], y) + x, count);
    load_chroma(r, s->planes, s->format, x, y, count);
  } else {
    load_packed(r, &s->planes[0], x, y, count);
  }
  memset(r->mask, 255, count);
  if (s->skin != NULL) mask_skin(r, s, count);
}

/* ---- sums --------------------------------------------------------------------------------------------- */

static const uint8_t ones[RUN] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
};

static void add_part(soma_sums *sums, const run *r, uint32_t first, uint32_t count, bool has_clipped) {
  sums->count += sum_bytes(ones, r->mask + first, count);
  if (has_clipped) sums->clipped += sum_bytes(ones, r->clipped + first, count);
  for (uint32_t c = 0; c < 3; c++) sums->sum[c] += sum_bytes(r->channels[c] + first, r->mask + first, count);
}

/* Adds the rows top … bottom of columns left … right, cut into tiles of `tile` columns, to sums[0], sums[1], …: one pass over each row. */
static void add_rows(soma_sums *sums, const source *s, uint32_t left, uint32_t right, uint32_t top, uint32_t bottom,
                     uint32_t tile) {
  const bool has_clipped = s->skin != NULL && s->skin->clipped_from > 0;
  run r;
  memset(&r, 0, sizeof r);
  for (uint32_t y = top; y < bottom; y++) {
    for (uint32_t x = left; x < right; x += RUN) {
      const uint32_t count = right - x < RUN ? right - x : RUN;
      load_run(&r, s, x, y, count);
      for (uint32_t i = 0; i < count;) {
        const uint32_t column = x - left + i, to_edge = tile - column % tile;
        const uint32_t part = count - i < to_edge ? count - i : to_edge;
        add_part(&sums[column / tile], &r, i, part, has_clipped);
        i += part;
      }
    }
  }
}

static uint32_t clip_to(int64_t value, uint32_t limit) {
  return value < 0 ? 0 : value > limit ? limit : (uint32_t)value;
}

static int32_t open_source(source *out, const soma_image *src, const soma_skin *skin) {
  const int32_t status = soma_image_check(src);
  if (status != SOMA_OK) return status;
  if (skin != NULL && skin->reserved != 0) return SOMA_BAD_ARGUMENT;
  *out = (source){.format = src->format, .skin = skin};
  soma_image_planes(out->planes, src);
  return SOMA_OK;
}

int32_t soma_image_roi_sums(soma_sums *out, const soma_image *src, const soma_rect *rects, uint32_t rect_count,
                            const soma_skin *skin) {
  source s;
  const int32_t status = open_source(&s, src, skin);
  if (status != SOMA_OK) return status;
  if (out == NULL || rects == NULL) return SOMA_BAD_ARGUMENT;
  for (uint32_t i = 0; i < rect_count; i++) {
    const soma_rect *rect = &rects[i];
    const uint32_t left = clip_to(rect->x, src->width), right = clip_to((int64_t)rect->x + rect->width, src->width);
    const uint32_t top = clip_to(rect->y, src->height), bottom = clip_to((int64_t)rect->y + rect->height, src->height);
    out[i] = (soma_sums){0};
    add_rows(&out[i], &s, left, right, top, bottom, SOMA_MAX_IMAGE_SIDE);
  }
  return SOMA_OK;
}

int32_t soma_image_tile_sums(soma_sums *out, const soma_image *src, uint32_t tile, const soma_skin *skin) {
  source s;
  const int32_t status = open_source(&s, src, skin);
  if (status != SOMA_OK) return status;
  if (out == NULL || tile < 2 || tile > 4096 || tile % 2 != 0) return SOMA_BAD_ARGUMENT;
  const uint32_t across = (src->width + tile - 1) / tile;
  for (uint32_t y = 0; y < src->height; y += tile, out += across) {
    memset(out, 0, across * sizeof *out);
    add_rows(out, &s, 0, src->width, y, src->height - y < tile ? src->height : y + tile, tile);
  }
  return SOMA_OK;
}
