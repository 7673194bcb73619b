/* image_convert.c: pixel formats and colour matrices. Every conversion reads two rows of a block of columns as R'G'B'A (or luma) and
 * writes them again, so a format is one reader and one writer; Y'CbCr to Y'CbCr of one code moves samples instead. */
#include "image.h"

#include <string.h>

enum { BLOCK = 256, SHIFT = 16, HALF = 1 << (SHIFT - 1) };

/* Fixed-point factors with SHIFT fraction bits. Rec. ITU-R BT.601-7 and BT.709-6. */
typedef struct matrix {
  int32_t y_offset;
  int32_t y_to_rgb, cr_to_r, cb_to_g, cr_to_g, cb_to_b;
  int32_t r_to_y, g_to_y, b_to_y;
  int32_t r_to_cb, g_to_cb, b_to_cb;
  int32_t r_to_cr, g_to_cr, b_to_cr;
} matrix;

static int32_t fixed(double value) {
  const double scaled = value * (1 << SHIFT);
  return (int32_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

static matrix matrix_of(uint32_t colour) {
  const bool is_709 = colour == SOMA_BT709_LIMITED || colour == SOMA_BT709_FULL;
  const bool is_full = colour == SOMA_BT601_FULL || colour == SOMA_BT709_FULL;
  const double kr = is_709 ? 0.2126 : 0.299, kb = is_709 ? 0.0722 : 0.114, kg = 1 - kr - kb;
  const double y_range = is_full ? 1 : 219.0 / 255.0, c_range = is_full ? 1 : 224.0 / 255.0;
  matrix m = {.y_offset = is_full ? 0 : 16};
  m.y_to_rgb = fixed(1 / y_range);
  m.cr_to_r = fixed(2 * (1 - kr) / c_range);
  m.cb_to_b = fixed(2 * (1 - kb) / c_range);
  m.cb_to_g = fixed(-2 * kb * (1 - kb) / kg / c_range);
  m.cr_to_g = fixed(-2 * kr * (1 - kr) / kg / c_range);
  m.r_to_y = fixed(kr * y_range);
  m.b_to_y = fixed(kb * y_range);
  m.g_to_y = fixed(y_range) - m.r_to_y - m.b_to_y; /* the sums are exact, so that grey stays grey */
  m.b_to_cb = fixed(0.5 * c_range);
  m.r_to_cb = fixed(-0.5 * kr / (1 - kb) * c_range);
  m.g_to_cb = -m.b_to_cb - m.r_to_cb;
  m.r_to_cr = fixed(0.5 * c_range);
  m.b_to_cr = fixed(-0.5 * kb / (1 - kr) * c_range);
  m.g_to_cr = -m.r_to_cr - m.b_to_cr;
  return m;
}

/* One or two rows of at most BLOCK pixels. A luma block holds grey in r and nothing in g and b. */
typedef struct block {
  uint8_t r[2][BLOCK], g[2][BLOCK], b[2][BLOCK], a[2][BLOCK];
} block;

typedef struct span {
  uint32_t x; /* even */
  uint32_t y; /* even */
  uint32_t width;
  uint32_t rows; /* 1 or 2 */
} span;

SOMA_INLINE uint8_t descale(int32_t value) { return soma_clamp_u8((value + HALF) >> SHIFT); }

/* ---- readers ------------------------------------------------------------------------------------------ */

SOMA_INLINE void read_packed(block *out, const soma_plane *plane, span s, uint32_t channels) {
  for (uint32_t row = 0; row < s.rows; row++) {
    const uint8_t *in = soma_row(plane, s.y + row) + (uint64_t)s.x * channels;
    for (uint32_t i = 0; i < s.width; i++, in += channels) {
      out->r[row][i] = in[0];
      out->g[row][i] = in[channels == 1 ? 0 : 1];
      out->b[row][i] = in[channels == 1 ? 0 : 2];
      out->a[row][i] = channels == 4 ? in[3] : 255;
    }
  }
}

/* Chroma rows of a block, planar whatever the format. */
static void read_chroma(uint8_t *cb, uint8_t *cr, const soma_plane *planes, uint32_t format, span s) {
  const uint32_t count = soma_half_up(s.width), x = s.x / 2, y = s.y / 2;
  if (format == SOMA_I420) {
    memcpy(cb, soma_row(&planes[1], y) + x, count);
    memcpy(cr, soma_row(&planes[2], y) + x, count);
    return;
  }
  const uint8_t *in = soma_row(&planes[1], y) + (uint64_t)x * 2;
  for (uint32_t i = 0; i < count; i++) {
    cb[i] = in[2 * i];
    cr[i] = in[2 * i + 1];
  }
}

static void read_ycbcr(block *out, const soma_plane *planes, uint32_t format, span s, const matrix *m) {
  uint8_t cb[BLOCK / 2], cr[BLOCK / 2];
  int32_t to_r[BLOCK], to_g[BLOCK], to_b[BLOCK];
  read_chroma(cb, cr, planes, format, s);
  for (uint32_t i = 0; i < soma_half_up(s.width); i++) {
    const int32_t u = cb[i] - 128, v = cr[i] - 128;
    to_r[2 * i] = to_r[2 * i + 1] = m->cr_to_r * v;
    to_g[2 * i] = to_g[2 * i + 1] = m->cb_to_g * u + m->cr_to_g * v;
    to_b[2 * i] = to_b[2 * i + 1] = m->cb_to_b * u;
  }
  for (uint32_t row = 0; row < s.rows; row++) {
    const uint8_t *in = soma_row(&planes[0], s.y + row) + s.x;
    for (uint32_t i = 0; i < s.width; i++) {
      const int32_t luma = (in[i] - m->y_offset) * m->y_to_rgb;
      out->r[row][i] = descale(luma + to_r[i]);
      out->g[row][i] = descale(luma + to_g[i]);
      out->b[row][i] = descale(luma + to_b[i]);
      out->a[row][i] = 255;
    }
  }
}

static void read_luma(block *out, const soma_plane *plane, span s, const matrix *m) {
  for (uint32_t row = 0; row < s.rows; row++) {
    const uint8_t *in = soma_row(plane, s.y + row) + s.x;
    for (uint32_t i = 0; i < s.width; i++) out->r[row][i] = descale((in[i] - m->y_offset) * m->y_to_rgb);
  }
}

/* ---- writers ------------------------------------------------------------------------------------------ */

SOMA_INLINE void write_packed(const soma_plane *plane, const block *in, span s, uint32_t channels) {
  for (uint32_t row = 0; row < s.rows; row++) {
    uint8_t *out = soma_row(plane, s.y + row) + (uint64_t)s.x * channels;
    for (uint32_t i = 0; i < s.width; i++, out += channels) {
      out[0] = in->r[row][i];
      if (channels == 1) continue;
      out[1] = in->g[row][i];
      out[2] = in->b[row][i];
      if (channels == 4) out[3] = in->a[row][i];
    }
  }
}

static void write_luma(const soma_plane *plane, const block *in, span s, const matrix *m) {
  for (uint32_t row = 0; row < s.rows; row++) {
    uint8_t *out = soma_row(plane, s.y + row) + s.x;
    for (uint32_t i = 0; i < s.width; i++) {
      const int32_t sum = in->r[row][i] * m->r_to_y + in->g[row][i] * m->g_to_y + in->b[row][i] * m->b_to_y;
      out[i] = descale(sum + (m->y_offset << SHIFT));
    }
  }
}

/* Chroma of the mean of each 2 × 2 pixels; at an odd edge the last pixels stand for the missing ones. */
static void write_chroma(const soma_plane *planes, uint32_t format, const block *in, span s, const matrix *m) {
  uint8_t *cb = soma_row(&planes[1], s.y / 2), *cr;
  uint32_t step = 1;
  if (format == SOMA_I420) {
    cb += s.x / 2;
    cr = soma_row(&planes[2], s.y / 2) + s.x / 2;
  } else {
    cb += s.x;
    cr = cb + 1;
    step = 2;
  }
  const uint32_t lower = s.rows - 1;
  for (uint32_t i = 0; i < soma_half_up(s.width); i++) {
    const uint32_t p = 2 * i, q = p + 1 < s.width ? p + 1 : p;
    const int32_t r = in->r[0][p] + in->r[0][q] + in->r[lower][p] + in->r[lower][q];
    const int32_t g = in->g[0][p] + in->g[0][q] + in->g[lower][p] + in->g[lower][q];
    const int32_t b = in->b[0][p] + in->b[0][q] + in->b[lower][p] + in->b[lower][q];
    const int32_t centre = (4 * 128 << SHIFT) + 4 * HALF;
    cb[i * step] = soma_clamp_u8((r * m->r_to_cb + g * m->g_to_cb + b * m->b_to_cb + centre) >> (SHIFT + 2));
    cr[i * step] = soma_clamp_u8((r * m->r_to_cr + g * m->g_to_cr + b * m->b_to_cr + centre) >> (SHIFT + 2));
  }
}

/* ---- the conversions ---------------------------------------------------------------------------------- */

typedef struct side {
  uint32_t format;
  soma_plane planes[3];
  matrix colour;
} side;

static void read_block(block *out, const side *src, span s, bool only_luma) {
  switch (src->format) {
    case SOMA_GREY:
      read_packed(out, src->planes, s, 1);
      break;
    case SOMA_RGB:
      read_packed(out, src->planes, s, 3);
      break;
    case SOMA_RGBA:
      read_packed(out, src->planes, s, 4);
      break;
    default:
      if (only_luma) {
        read_luma(out, src->planes, s, &src->colour);
      } else {
        read_ycbcr(out, src->planes, src->format, s, &src->colour);
      }
  }
}

static void write_block(const side *dst, const block *in, span s, bool is_luma) {
  switch (dst->format) {
    case SOMA_GREY:
      if (is_luma) {
        write_packed(dst->planes, in, s, 1);
      } else {
        write_luma(dst->planes, in, s, &dst->colour);
      }
      break;
    case SOMA_RGB:
      write_packed(dst->planes, in, s, 3);
      break;
    case SOMA_RGBA:
      write_packed(dst->planes, in, s, 4);
      break;
    default:
      write_luma(dst->planes, in, s, &dst->colour);
      write_chroma(dst->planes, dst->format, in, s, &dst->colour);
  }
}

/* Samples of one colour code in another arrangement: exact. */
static void move_samples(const side *dst, const side *src, uint32_t width, uint32_t height) {
  for (uint32_t y = 0; y < height; y++) memcpy(soma_row(&dst->planes[0], y), soma_row(&src->planes[0], y), width);
  uint8_t cb[BLOCK / 2], cr[BLOCK / 2];
  for (uint32_t y = 0; y < height; y += 2) {
    for (uint32_t x = 0; x < width; x += BLOCK) {
      const span s = {x, y, width - x < BLOCK ? width - x : BLOCK, 1};
      const uint32_t count = soma_half_up(s.width);
      read_chroma(cb, cr, src->planes, src->format, s);
      uint8_t *out = soma_row(&dst->planes[1], y / 2);
      if (dst->format == SOMA_I420) {
        memcpy(out + x / 2, cb, count);
        memcpy(soma_row(&dst->planes[2], y / 2) + x / 2, cr, count);
        continue;
      }
      for (uint32_t i = 0; i < count; i++) {
        out[x + 2 * i] = cb[i];
        out[x + 2 * i + 1] = cr[i];
      }
    }
  }
}

static side side_of(const soma_image *image) {
  side result = {.format = image->format};
  soma_image_planes(result.planes, image);
  result.colour = matrix_of(soma_is_ycbcr(image->format) ? image->colour : SOMA_BT601_FULL);
  return result;
}

int32_t soma_image_convert(const soma_image *dst, const soma_image *src) {
  const int32_t dst_status = soma_image_check(dst);
  if (dst_status != SOMA_OK) return dst_status;
  const int32_t src_status = soma_image_check(src);
  if (src_status != SOMA_OK) return src_status;
  if (dst->width != src->width || dst->height != src->height) return SOMA_BAD_SIZE;
  const side to = side_of(dst), from = side_of(src);
  const bool both_ycbcr = soma_is_ycbcr(dst->format) && soma_is_ycbcr(src->format);
  if (both_ycbcr && dst->colour == src->colour) {
    move_samples(&to, &from, src->width, src->height);
    return SOMA_OK;
  }
  const bool is_luma = dst->format == SOMA_GREY && (src->format == SOMA_GREY || soma_is_ycbcr(src->format));
  for (uint32_t y = 0; y < src->height; y += 2) {
    for (uint32_t x = 0; x < src->width; x += BLOCK) {
      const uint32_t left = src->width - x;
      const span s = {x, y, left < BLOCK ? left : BLOCK, src->height - y < 2 ? 1 : 2};
      block b;
      read_block(&b, &from, s, is_luma);
      write_block(&to, &b, s, is_luma);
    }
  }
  return SOMA_OK;
}
