/* image_resize.c: area, linear and cubic resampling of interleaved planes, in float32. All working memory is on the stack:
 * the area filter walks blocks of source columns, the others strips of destination columns. */
#include "image.h"

#include <math.h>
#include <string.h>

enum { BLOCK_COLUMNS = 512, STRIP_COLUMNS = 128, MAX_CHANNELS = 4, TAPS = 4 };

SOMA_INLINE uint8_t round_u8(float value) {
  return (uint8_t)(value <= 0.0f ? 0 : value >= 255.0f ? 255 : (int32_t)lrintf(value));
}

/* ---- area --------------------------------------------------------------------------------------------- */

/* One destination row under construction. Columns arrive from left to right; each completes at most one pixel. */
typedef struct area_row {
  uint8_t *out;
  double scale;   /* source columns per destination column, >= 1 */
  uint32_t pixel; /* destination column being summed */
  uint32_t pixel_count;
  double sum[MAX_CHANNELS]; /* of the columns seen so far */
} area_row;

SOMA_INLINE void finish_pixel(area_row *row, uint32_t channels) {
  for (uint32_t c = 0; c < channels; c++) {
    row->out[row->pixel * channels + c] = round_u8((float)(row->sum[c] / row->scale));
    row->sum[c] = 0;
  }
  row->pixel++;
}

SOMA_INLINE void add_columns(area_row *row, const float *columns, uint32_t first, uint32_t count, uint32_t channels) {
  for (uint32_t i = 0; i < count; i++, columns += channels) {
    const double x = first + i, edge = (row->pixel + 1) * row->scale;
    const double inside = x + 1 <= edge ? 1 : edge - x; /* the share of this column that the pixel covers */
    for (uint32_t c = 0; c < channels; c++) row->sum[c] += inside * (double)columns[c];
    if (x + 1 < edge || row->pixel + 1 == row->pixel_count) continue;
    finish_pixel(row, channels);
    for (uint32_t c = 0; c < channels; c++) row->sum[c] = (1 - inside) * (double)columns[c];
  }
}

static void add_row(float *columns, const uint8_t *in, uint32_t samples, float weight) {
  for (uint32_t i = 0; i < samples; i++) columns[i] += weight * (float)in[i];
}

/* Weighted sum of the source rows that destination row y covers, for one block of columns. */
static void cover_rows(float *columns, const soma_plane *src, uint32_t first, uint32_t samples, double top,
                       double bottom) {
  memset(columns, 0, samples * sizeof *columns);
  const double height = bottom - top;
  const uint32_t last_row = src->height - 1;
  for (uint32_t row = (uint32_t)top; row <= last_row && row < bottom; row++) {
    const double from = row > top ? row : top, to = row + 1.0 < bottom ? row + 1.0 : bottom;
    add_row(columns, soma_row(src, row) + (uint64_t)first * src->channels, samples, (float)((to - from) / height));
  }
}

static void resize_area(const soma_plane *dst, const soma_plane *src) {
  const double scale_x = (double)src->width / dst->width, scale_y = (double)src->height / dst->height;
  const uint32_t channels = src->channels;
  float columns[BLOCK_COLUMNS * MAX_CHANNELS];
  for (uint32_t y = 0; y < dst->height; y++) {
    area_row row = {.out = soma_row(dst, y), .scale = scale_x, .pixel_count = dst->width};
    for (uint32_t x = 0; x < src->width; x += BLOCK_COLUMNS) {
      const uint32_t count = src->width - x < BLOCK_COLUMNS ? src->width - x : BLOCK_COLUMNS;
      cover_rows(columns, src, x, count * channels, y * scale_y, (y + 1) * scale_y);
      add_columns(&row, columns, x, count, channels);
    }
    finish_pixel(&row, channels);
  }
}

/* ---- linear and cubic --------------------------------------------------------------------------------- */

/* The four source indices around a destination index, clamped to the edge, and their weights. */
typedef struct taps {
  uint32_t index[TAPS];
  float weight[TAPS];
} taps;

static void fill_weights(float *weight, float t, uint32_t filter) {
  if (filter == SOMA_LINEAR) {
    weight[0] = 0;
    weight[1] = 1 - t;
    weight[2] = t;
    weight[3] = 0;
    return;
  }
  const float a = -0.75f, s = 1 - t; /* Keys 1981 with OpenCV's a */
  weight[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
  weight[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
  weight[2] = ((a + 2) * s - (a + 3)) * s * s + 1;
  weight[3] = 1 - weight[0] - weight[1] - weight[2];
}

static taps find_taps(uint32_t index, double scale, uint32_t source_count, uint32_t filter) {
  const double centre = (index + 0.5) * scale - 0.5, whole = floor(centre);
  taps result;
  fill_weights(result.weight, (float)(centre - whole), filter);
  for (int32_t i = 0; i < TAPS; i++) {
    const int32_t source = (int32_t)whole - 1 + i;
    result.index[i] = source < 0 ? 0 : source >= (int32_t)source_count ? source_count - 1 : (uint32_t)source;
  }
  return result;
}

/* Horizontally filtered source rows of one strip; a row is kept until another with the same index modulo TAPS needs the place. */
typedef struct strip {
  taps columns[STRIP_COLUMNS];
  uint32_t count;
  uint32_t held[TAPS]; /* source row in each place, plus one; 0 when empty */
  float rows[TAPS][STRIP_COLUMNS * MAX_CHANNELS];
} strip;

SOMA_INLINE void filter_row(float *out, const uint8_t *in, const strip *s, uint32_t channels) {
  for (uint32_t i = 0; i < s->count; i++) {
    const taps *t = &s->columns[i];
    for (uint32_t c = 0; c < channels; c++) {
      float sum = 0;
      for (uint32_t tap = 0; tap < TAPS; tap++) sum += t->weight[tap] * (float)in[t->index[tap] * channels + c];
      *out++ = sum;
    }
  }
}

static const float *filtered_row(strip *s, const soma_plane *src, uint32_t row) {
  const uint32_t place = row % TAPS;
  if (s->held[place] != row + 1) {
    s->held[place] = row + 1;
    switch (src->channels) { /* constant counts unroll */
      case 1:
        filter_row(s->rows[place], soma_row(src, row), s, 1);
        break;
      case 2:
        filter_row(s->rows[place], soma_row(src, row), s, 2);
        break;
      case 3:
        filter_row(s->rows[place], soma_row(src, row), s, 3);
        break;
      default:
        filter_row(s->rows[place], soma_row(src, row), s, 4);
    }
  }
  return s->rows[place];
}

static void resize_taps(const soma_plane *dst, const soma_plane *src, uint32_t filter) {
  const double scale_x = (double)src->width / dst->width, scale_y = (double)src->height / dst->height;
  strip s;
  for (uint32_t x = 0; x < dst->width; x += STRIP_COLUMNS) {
    s.count = dst->width - x < STRIP_COLUMNS ? dst->width - x : STRIP_COLUMNS;
    for (uint32_t i = 0; i < s.count; i++) s.columns[i] = find_taps(x + i, scale_x, src->width, filter);
    memset(s.held, 0, sizeof s.held);
    for (uint32_t y = 0; y < dst->height; y++) {
      const taps t = find_taps(y, scale_y, src->height, filter);
      const float *r0 = filtered_row(&s, src, t.index[0]), *r1 = filtered_row(&s, src, t.index[1]);
      const float *r2 = filtered_row(&s, src, t.index[2]), *r3 = filtered_row(&s, src, t.index[3]);
      uint8_t *out = soma_row(dst, y) + (uint64_t)x * dst->channels;
      for (uint32_t i = 0; i < s.count * dst->channels; i++) {
        out[i] = round_u8(t.weight[0] * r0[i] + t.weight[1] * r1[i] + t.weight[2] * r2[i] + t.weight[3] * r3[i]);
      }
    }
  }
}

int32_t soma_image_resize(const soma_image *dst, const soma_image *src, uint32_t filter) {
  if (filter < SOMA_AREA || filter > SOMA_CUBIC) return SOMA_BAD_ARGUMENT;
  const int32_t status = soma_image_check_pair(dst, src);
  if (status != SOMA_OK) return status;
  if (filter == SOMA_AREA && (dst->width > src->width || dst->height > src->height)) return SOMA_BAD_SIZE;
  soma_plane to[3], from[3];
  const uint32_t count = soma_image_planes(to, dst);
  soma_image_planes(from, src);
  for (uint32_t i = 0; i < count; i++) {
    if (filter == SOMA_AREA) {
      resize_area(&to[i], &from[i]);
    } else {
      resize_taps(&to[i], &from[i], filter);
    }
  }
  return SOMA_OK;
}
