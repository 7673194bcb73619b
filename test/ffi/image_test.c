/* image_test.c: every image function on every format, odd sizes and padded rows, in memory of exactly the size that the view claims;
 * results against slow references written from the definitions in soma.h. Numeric agreement with OpenCV is tested elsewhere. */
#include "check.h"
#include "image.h"

typedef struct picture {
  soma_image view;
  uint8_t *memory[3];
} picture;

static picture make_picture(uint32_t format, uint32_t width, uint32_t height, uint32_t padding) {
  picture p = {
      .view = {
          .width = width, .height = height, .format = format, .planes = {(uint8_t *)1, (uint8_t *)1, (uint8_t *)1}}};
  soma_plane planes[3];
  const uint32_t count = soma_image_planes(planes, &p.view);
  p.view.planes[0] = p.view.planes[1] = p.view.planes[2] = NULL;
  for (uint32_t i = 0; i < count; i++) {
    const size_t row = (size_t)planes[i].width * planes[i].channels, stride = row + padding;
    const size_t bytes = stride * (planes[i].height - 1) + row;
    p.memory[i] = exact_memory(bytes);
    for (size_t k = 0; k < bytes; k++) p.memory[i][k] = (uint8_t)random_u32();
    p.view.planes[i] = p.memory[i];
    p.view.stride_bytes[i] = (uint32_t)stride;
  }
  return p;
}

static void drop_picture(picture *p) {
  for (int i = 0; i < 3; i++) free(p->memory[i]);
}

static uint32_t plane_count(const picture *p) {
  soma_plane planes[3];
  return soma_image_planes(planes, &p->view);
}

static uint8_t sample_at(const picture *p, uint32_t plane, uint32_t x, uint32_t y, uint32_t channel) {
  soma_plane planes[3];
  soma_image_planes(planes, &p->view);
  return soma_row(&planes[plane], y)[x * planes[plane].channels + channel];
}

static void undo_orientation(uint32_t *x, uint32_t *y, uint32_t width, uint32_t height, uint32_t orientation) {
  /* width, height of the source plane; (x, y) in the destination. EXIF: what the stored row 0 and column 0 are. */
  const uint32_t dx = *x, dy = *y, right = width - 1, bottom = height - 1;
  const uint32_t sx[9] = {0, dx, right - dx, right - dx, dx, dy, dy, right - dy, right - dy};
  const uint32_t sy[9] = {0, dy, dy, bottom - dy, bottom - dy, dx, bottom - dx, bottom - dx, dx};
  *x = sx[orientation];
  *y = sy[orientation];
}

static void test_orientations(uint32_t format, uint32_t width, uint32_t height) {
  picture src = make_picture(format, width, height, 5);
  for (uint32_t orientation = 1; orientation <= 8; orientation++) {
    const int turned = orientation >= 5;
    picture dst = make_picture(format, turned ? height : width, turned ? width : height, 3);
    CHECK_EQUAL(soma_image_orient(&dst.view, &src.view, orientation), SOMA_OK);
    soma_plane to[3], from[3];
    const uint32_t count = soma_image_planes(to, &dst.view);
    soma_image_planes(from, &src.view);
    unsigned long wrong = 0;
    for (uint32_t i = 0; i < count; i++) {
      for (uint32_t y = 0; y < to[i].height; y++) {
        for (uint32_t x = 0; x < to[i].width; x++) {
          uint32_t sx = x, sy = y;
          undo_orientation(&sx, &sy, from[i].width, from[i].height, orientation);
          for (uint32_t c = 0; c < to[i].channels; c++)
            wrong += sample_at(&dst, i, x, y, c) != sample_at(&src, i, sx, sy, c);
        }
      }
    }
    CHECK_EQUAL(wrong, 0);
    drop_picture(&dst);
  }
  drop_picture(&src);
}

static void test_crop(uint32_t format) {
  picture src = make_picture(format, 21, 17, 4);
  for (int round = 0; round < 200; round++) {
    const uint32_t step = soma_is_ycbcr(format) ? 2 : 1;
    const uint32_t x = random_below(20) / step * step, y = random_below(16) / step * step;
    picture dst = make_picture(format, 1 + random_below(21 - x), 1 + random_below(17 - y), random_below(3));
    CHECK_EQUAL(soma_image_crop(&dst.view, &src.view, x, y), SOMA_OK);
    unsigned long wrong = 0;
    soma_plane to[3];
    const uint32_t count = soma_image_planes(to, &dst.view);
    for (uint32_t i = 0; i < count; i++) {
      const uint32_t half = i == 0 ? 1 : 2;
      for (uint32_t py = 0; py < to[i].height; py++) {
        for (uint32_t px = 0; px < to[i].width * to[i].channels; px++) {
          const uint32_t channel = px % to[i].channels, column = px / to[i].channels;
          wrong +=
              sample_at(&dst, i, column, py, channel) != sample_at(&src, i, x / half + column, y / half + py, channel);
        }
      }
    }
    CHECK_EQUAL(wrong, 0);
    drop_picture(&dst);
  }
  picture dst = make_picture(format, 10, 10, 0);
  CHECK_EQUAL(soma_image_crop(&dst.view, &src.view, 12, 0), SOMA_BAD_SIZE);
  CHECK_EQUAL(soma_image_crop(&dst.view, &src.view, 0, 8), SOMA_BAD_SIZE);
  CHECK_EQUAL(soma_image_crop(&dst.view, &src.view, 0xffffffffu, 0), SOMA_BAD_SIZE);
  CHECK_EQUAL(soma_image_crop(&dst.view, &src.view, 1, 0), soma_is_ycbcr(format) ? SOMA_BAD_SIZE : SOMA_OK);
  drop_picture(&dst);
  drop_picture(&src);
}

/* ---- conversion ---- */

typedef struct triple {
  double v[3];
} triple;

static double clamp255(double v) { return v < 0 ? 0 : v > 255 ? 255 : v; }

/* R'G'B' of Y'CbCr and back in float64, from the definition of the colour spaces: Y' = Kr R + Kg G + Kb B, Cb = (B - Y') / (2 (1 - Kb)). */
static triple rgb_of(double y, double cb, double cr, uint32_t colour) {
  const int full = colour % 2 == 1;
  const double kr = colour >= 2 ? 0.2126 : 0.299, kb = colour >= 2 ? 0.0722 : 0.114;
  const double luma = full ? y / 255 : (y - 16) / 219, pb = (cb - 128) / (full ? 255 : 224),
               pr = (cr - 128) / (full ? 255 : 224);
  const double r = luma + 2 * (1 - kr) * pr, b = luma + 2 * (1 - kb) * pb, g = (luma - kr * r - kb * b) / (1 - kr - kb);
  return (triple){{clamp255(r * 255), clamp255(g * 255), clamp255(b * 255)}};
}

static triple ycbcr_of(double r, double g, double b, uint32_t colour) {
  const int full = colour % 2 == 1;
  const double kr = colour >= 2 ? 0.2126 : 0.299, kb = colour >= 2 ? 0.0722 : 0.114;
  const double luma = (kr * r + (1 - kr - kb) * g + kb * b) / 255;
  const double pb = (b / 255 - luma) / (2 * (1 - kb)), pr = (r / 255 - luma) / (2 * (1 - kr));
  const triple result = {
      {full ? luma * 255 : 16 + 219 * luma, 128 + (full ? 255 : 224) * pb, 128 + (full ? 255 : 224) * pr}};
  return (triple){{clamp255(result.v[0]), clamp255(result.v[1]), clamp255(result.v[2])}};
}

static triple pixel_ycbcr(const picture *p, uint32_t x, uint32_t y) {
  const double luma = sample_at(p, 0, x, y, 0);
  if (p->view.format == SOMA_I420)
    return (triple){{luma, sample_at(p, 1, x / 2, y / 2, 0), sample_at(p, 2, x / 2, y / 2, 0)}};
  return (triple){{luma, sample_at(p, 1, x / 2, y / 2, 0), sample_at(p, 1, x / 2, y / 2, 1)}};
}

static triple pixel_rgb(const picture *p, uint32_t x, uint32_t y) {
  if (soma_is_ycbcr(p->view.format)) {
    const triple t = pixel_ycbcr(p, x, y);
    return rgb_of(t.v[0], t.v[1], t.v[2], p->view.colour);
  }
  triple t;
  for (uint32_t c = 0; c < 3; c++) t.v[c] = sample_at(p, 0, x, y, p->view.format == SOMA_GREY ? 0 : c);
  return t;
}

/* Rounding to nearest leaves 0.5, the 16-bit factors 255 × 3 × 2^-17 < 0.006 more; a second rounding on the way doubles it. */
static void check_rgb(const picture *dst, const picture *src, double tolerance) {
  for (uint32_t y = 0; y < dst->view.height; y++) {
    for (uint32_t x = 0; x < dst->view.width; x++) {
      const triple expected = pixel_rgb(src, x, y), actual = pixel_rgb(dst, x, y);
      for (int c = 0; c < 3; c++) CHECK_NEAR(actual.v[c], expected.v[c], tolerance);
    }
  }
}

static double grey_of(const picture *src, uint32_t x, uint32_t y) {
  const triple t = soma_is_ycbcr(src->view.format) ? pixel_ycbcr(src, x, y) : pixel_rgb(src, x, y);
  if (src->view.format == SOMA_GREY) return t.v[0];
  if (!soma_is_ycbcr(src->view.format)) return 0.299 * t.v[0] + 0.587 * t.v[1] + 0.114 * t.v[2];
  return src->view.colour % 2 == 1 ? t.v[0] : clamp255((t.v[0] - 16) / 219 * 255);
}

static void check_ycbcr(const picture *dst, const picture *src, double tolerance) {
  const uint32_t width = src->view.width, height = src->view.height;
  for (uint32_t y = 0; y < height; y++) {
    for (uint32_t x = 0; x < width; x++) {
      const triple rgb = pixel_rgb(src, x, y), actual = pixel_ycbcr(dst, x, y);
      CHECK_NEAR(actual.v[0], ycbcr_of(rgb.v[0], rgb.v[1], rgb.v[2], dst->view.colour).v[0], tolerance);
      if (x % 2 != 0 || y % 2 != 0) continue;
      triple mean = {{0, 0, 0}};
      for (uint32_t k = 0; k < 4; k++) {
        const uint32_t px = x + k % 2 < width ? x + k % 2 : x, py = y + k / 2 < height ? y + k / 2 : y;
        const triple pixel = pixel_rgb(src, px, py);
        for (int c = 0; c < 3; c++) mean.v[c] += pixel.v[c] / 4;
      }
      const triple expected = ycbcr_of(mean.v[0], mean.v[1], mean.v[2], dst->view.colour);
      CHECK_NEAR(actual.v[1], expected.v[1], tolerance);
      CHECK_NEAR(actual.v[2], expected.v[2], tolerance);
    }
  }
}

static void test_convert(uint32_t from, uint32_t to, uint32_t from_colour, uint32_t to_colour, uint32_t width,
                         uint32_t height) {
  picture src = make_picture(from, width, height, 3), dst = make_picture(to, width, height, 7);
  src.view.colour = from_colour;
  dst.view.colour = to_colour;
  CHECK_EQUAL(soma_image_convert(&dst.view, &src.view), SOMA_OK);
  if (soma_is_ycbcr(from) && soma_is_ycbcr(to) && from_colour == to_colour) {
    for (uint32_t y = 0; y < height; y++) {
      for (uint32_t x = 0; x < width; x++) {
        const triple a = pixel_ycbcr(&dst, x, y), b = pixel_ycbcr(&src, x, y);
        CHECK(a.v[0] == b.v[0] && a.v[1] == b.v[1] && a.v[2] == b.v[2]);
      }
    }
  } else if (soma_is_ycbcr(to)) {
    check_ycbcr(&dst, &src, soma_is_ycbcr(from) ? 1.1 : 0.51);
  } else if (to == SOMA_GREY) {
    for (uint32_t y = 0; y < height; y++) {
      for (uint32_t x = 0; x < width; x++) CHECK_NEAR((double)sample_at(&dst, 0, x, y, 0), grey_of(&src, x, y), 0.51);
    }
  } else {
    check_rgb(&dst, &src, 0.51);
    for (uint32_t x = 0; to == SOMA_RGBA && x < width; x++) {
      CHECK_EQUAL(sample_at(&dst, 0, x, height - 1, 3), from == SOMA_RGBA ? sample_at(&src, 0, x, height - 1, 3) : 255);
    }
  }
  drop_picture(&dst);
  drop_picture(&src);
}

/* ---- resize ---- */

static double area_weight(uint32_t s, double low, double high) { return fmax(0, fmin(s + 1.0, high) - fmax(s, low)); }

static double kernel(double d, uint32_t filter) {
  d = fabs(d);
  if (filter == SOMA_LINEAR) return d < 1 ? 1 - d : 0;
  const double a = -0.75; /* Keys 1981, equation 4 */
  if (d < 1) return (a + 2) * d * d * d - (a + 3) * d * d + 1;
  return d < 2 ? a * d * d * d - 5 * a * d * d + 8 * a * d - 4 * a : 0;
}

/* Weight of source index s (which may lie outside) for destination index d, in float64. */
static double weight_of(int64_t s, uint32_t d, double scale, uint32_t filter) {
  if (filter == SOMA_AREA) return s < 0 ? 0 : area_weight((uint32_t)s, d * scale, (d + 1) * scale) / scale;
  return kernel((d + 0.5) * scale - 0.5 - (double)s, filter);
}

static uint32_t clamp_index(int64_t i, uint32_t count) { return i < 0 ? 0 : i >= count ? count - 1 : (uint32_t)i; }

static double resized(const picture *src, const soma_plane *plane, uint32_t index, uint32_t x, uint32_t y, uint32_t c,
                      double sx, double sy, uint32_t filter) {
  double sum = 0;
  for (int64_t py = (int64_t)(y * sy) - 3; py <= (int64_t)((y + 1) * sy) + 3; py++) {
    const double wy = weight_of(py, y, sy, filter);
    if (wy == 0) continue;
    for (int64_t px = (int64_t)(x * sx) - 3; px <= (int64_t)((x + 1) * sx) + 3; px++) {
      const double wx = weight_of(px, x, sx, filter);
      if (wx != 0)
        sum += wy * wx * sample_at(src, index, clamp_index(px, plane->width), clamp_index(py, plane->height), c);
    }
  }
  return clamp255(sum);
}

static void test_resize(uint32_t format, uint32_t sw, uint32_t sh, uint32_t dw, uint32_t dh, uint32_t filter) {
  picture src = make_picture(format, sw, sh, 3), dst = make_picture(format, dw, dh, 1);
  CHECK_EQUAL(soma_image_resize(&dst.view, &src.view, filter), SOMA_OK);
  soma_plane to[3], from[3];
  const uint32_t count = soma_image_planes(to, &dst.view);
  soma_image_planes(from, &src.view);
  for (uint32_t i = 0; i < count; i++) {
    const double sx = (double)from[i].width / to[i].width, sy = (double)from[i].height / to[i].height;
    for (uint32_t y = 0; y < dst.view.height && y < to[i].height; y++) {
      for (uint32_t x = 0; x < to[i].width; x++) {
        for (uint32_t c = 0; c < to[i].channels; c++) { /* 0.5 of rounding; float32 adds 255 × 2^-21 */
          CHECK_NEAR((double)sample_at(&dst, i, x, y, c), resized(&src, &from[i], i, x, y, c, sx, sy, filter), 0.501);
        }
      }
    }
  }
  drop_picture(&dst);
  drop_picture(&src);
}

static void test_resizes(void) {
  for (uint32_t format = 0; format <= SOMA_NV12; format++) {
    test_resize(format, 40, 30, 20, 15, SOMA_AREA);
    test_resize(format, 37, 29, 11, 8, SOMA_AREA);
    test_resize(format, 37, 29, 37, 8, SOMA_AREA);
    test_resize(format, 13, 11, 13, 11, SOMA_AREA);
    test_resize(format, 31, 23, 1, 1, SOMA_AREA);
    for (uint32_t filter = SOMA_LINEAR; filter <= SOMA_CUBIC; filter++) {
      test_resize(format, 19, 13, 45, 31, filter);
      test_resize(format, 45, 31, 19, 13, filter);
      test_resize(format, 1, 1, 9, 7, filter);
      test_resize(format, 3, 2, 8, 1, filter);
    }
  }
  test_resize(SOMA_RGB, 1300, 3, 601, 2, SOMA_AREA);  /* more than one block of columns */
  test_resize(SOMA_RGBA, 100, 5, 300, 9, SOMA_CUBIC); /* more than one strip */
  picture src = make_picture(SOMA_RGB, 4, 4, 0), dst = make_picture(SOMA_RGB, 5, 3, 0);
  CHECK_EQUAL(soma_image_resize(&dst.view, &src.view, SOMA_AREA), SOMA_BAD_SIZE);
  CHECK_EQUAL(soma_image_resize(&dst.view, &src.view, 0), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_image_resize(&dst.view, &src.view, 4), SOMA_BAD_ARGUMENT);
  drop_picture(&dst);
  drop_picture(&src);
}

/* ---- sums ---- */

static soma_sums slow_sums(const picture *p, int64_t left, int64_t top, int64_t right, int64_t bottom,
                           const soma_skin *skin) {
  soma_sums sums = {0};
  for (int64_t y = top; y < bottom; y++) {
    for (int64_t x = left; x < right; x++) {
      if (x < 0 || y < 0 || x >= p->view.width || y >= p->view.height) continue;
      const int ycbcr = soma_is_ycbcr(p->view.format), grey = p->view.format == SOMA_GREY;
      const triple value = ycbcr ? pixel_ycbcr(p, (uint32_t)x, (uint32_t)y) : pixel_rgb(p, (uint32_t)x, (uint32_t)y);
      triple tested = value;
      if (!ycbcr && !grey) {
        tested = ycbcr_of(value.v[0], value.v[1], value.v[2], SOMA_BT601_LIMITED);
        for (int c = 0; c < 3; c++) tested.v[c] = floor(tested.v[c] + 0.5);
      }
      const uint8_t *range = (const uint8_t *)skin;
      int counts = 1;
      for (int c = 0; skin != NULL && c < (grey ? 1 : 3); c++) {
        counts &= tested.v[c] >= range[2 * c] && tested.v[c] <= range[2 * c + 1];
      }
      if (!counts) continue;
      sums.count++;
      for (int c = 0; c < (grey ? 1 : 3); c++) sums.sum[c] += (uint64_t)value.v[c];
      if (skin == NULL || skin->clipped_from == 0) continue;
      double brightest = value.v[0];
      for (int c = 1; !ycbcr && !grey && c < 3; c++) brightest = fmax(brightest, value.v[c]);
      sums.clipped += brightest >= skin->clipped_from;
    }
  }
  return sums;
}

/* Redraws RGB pixels whose Y'CbCr lies so near a half that 16-bit factors may round it the other way: 255 × 3 × 2^-17 < 0.006. */
static void avoid_ties(picture *p) {
  if (soma_is_ycbcr(p->view.format) || p->view.format == SOMA_GREY) return;
  soma_plane planes[3];
  soma_image_planes(planes, &p->view);
  for (uint32_t i = 0; i < p->view.width * p->view.height; i++) {
    uint8_t *pixel = soma_row(planes, i / p->view.width) + (size_t)(i % p->view.width) * planes[0].channels;
    for (int near = 1; near;) {
      const triple t = ycbcr_of(pixel[0], pixel[1], pixel[2], SOMA_BT601_LIMITED);
      near = 0;
      for (int c = 0; c < 3; c++) near |= fabs(t.v[c] - floor(t.v[c]) - 0.5) < 0.01;
      if (near) pixel[random_below(3)] = (uint8_t)random_u32();
    }
  }
}

static void check_sums(soma_sums actual, soma_sums expected) {
  CHECK_EQUAL(actual.count, expected.count);
  CHECK_EQUAL(actual.clipped, expected.clipped);
  for (int c = 0; c < 3; c++) CHECK_EQUAL(actual.sum[c], expected.sum[c]);
}

static void test_sums(uint32_t format, uint32_t width, uint32_t height) {
  picture p = make_picture(format, width, height, 2);
  avoid_ties(&p);
  const soma_skin ranges[3] = {
      {40, 235, 77, 160, 100, 173, 200, 0}, {0, 255, 0, 255, 0, 255, 0, 0}, {255, 0, 0, 255, 0, 255, 1, 0}};
  for (int s = 0; s < 4; s++) {
    const soma_skin *skin = s == 3 ? NULL : &ranges[s];
    const uint32_t tile = s == 1 ? 2 : 16, across = (width + tile - 1) / tile, down = (height + tile - 1) / tile;
    soma_sums *sums = exact_memory((size_t)across * down * sizeof *sums);
    CHECK_EQUAL(soma_image_tile_sums(sums, &p.view, tile, skin), SOMA_OK);
    for (uint32_t y = 0; y < down; y++) {
      for (uint32_t x = 0; x < across; x++) {
        check_sums(sums[y * across + x], slow_sums(&p, x * tile, y * tile, (x + 1) * tile, (y + 1) * tile, skin));
      }
    }
    free(sums);
    soma_rect rects[12] = {
        {-5, -5, 3, 3}, {0, 0, 0, 9}, {INT32_MIN, INT32_MIN, 0xffffffffu, 0xffffffffu}, {INT32_MAX, 0, 5, 5}};
    for (int i = 4; i < 12; i++) {
      rects[i] = (soma_rect){(int32_t)random_below(width + 10) - 5, (int32_t)random_below(height + 10) - 5,
                             random_below(width + 9), random_below(height)};
    }
    soma_sums regions[12];
    CHECK_EQUAL(soma_image_roi_sums(regions, &p.view, rects, 12, skin), SOMA_OK);
    for (int i = 0; i < 12; i++) {
      const int64_t left = rects[i].x < -9 ? 0 : rects[i].x, top = rects[i].y < -9 ? 0 : rects[i].y;
      const int64_t right = (int64_t)rects[i].x + rects[i].width, bottom = (int64_t)rects[i].y + rects[i].height;
      check_sums(regions[i],
                 slow_sums(&p, left, top, right < width ? right : width, bottom < height ? bottom : height, skin));
    }
  }
  soma_sums one;
  CHECK_EQUAL(soma_image_tile_sums(&one, &p.view, 3, NULL), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_image_tile_sums(&one, &p.view, 0, NULL), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_image_tile_sums(NULL, &p.view, 16, NULL), SOMA_BAD_ARGUMENT);
  drop_picture(&p);
}

/* ---- the rest ---- */

static void test_chw(void) {
  const float mean[3] = {0.485f, 0.456f, 0.406f}, deviation[3] = {0.229f, 0.224f, 0.225f}, zero[3] = {1, 0, 1};
  for (uint32_t format = 0; format <= SOMA_RGBA; format++) {
    picture p = make_picture(format, 13, 7, 2);
    const uint32_t channels = format == SOMA_GREY ? 1 : 3;
    float *out = exact_memory(channels * 13 * 7 * sizeof *out);
    CHECK_EQUAL(soma_image_to_chw(out, &p.view, mean, deviation), SOMA_OK);
    for (uint32_t i = 0; i < channels * 91; i++) {
      const uint32_t c = i / 91, y = i % 91 / 13, x = i % 13;
      const double expected = (sample_at(&p, 0, x, y, c) / 255.0 - (double)mean[c]) / (double)deviation[c];
      CHECK_NEAR((double)out[i], expected, 1.2e-7 * fmax(1, fabs(expected)));
    }
    if (channels == 3) CHECK_EQUAL(soma_image_to_chw(out, &p.view, mean, zero), SOMA_BAD_ARGUMENT);
    free(out);
    drop_picture(&p);
  }
  picture p = make_picture(SOMA_I420, 4, 4, 0);
  float out[48];
  CHECK_EQUAL(soma_image_to_chw(out, &p.view, mean, deviation), SOMA_BAD_ARGUMENT);
  drop_picture(&p);
}

static void check_plan(uint32_t w, uint32_t h, uint32_t res, uint32_t method, soma_process_plan expected) {
  soma_process_plan plan;
  CHECK_EQUAL(soma_process_plan_make(&plan, w, h, res, 14, method), SOMA_OK);
  CHECK(memcmp(&plan, &expected, sizeof plan) == 0);
}

static void test_plans(void) {
  check_plan(1920, 1080, 504, SOMA_UPPER_BOUND_RESIZE,
             (soma_process_plan){504, 284, SOMA_AREA, 0, 0, 504, 280, SOMA_AREA});
  check_plan(640, 480, 504, SOMA_UPPER_BOUND_RESIZE,
             (soma_process_plan){504, 378, SOMA_AREA, 0, 0, 504, 378, SOMA_FILTER_NONE});
  check_plan(504, 377, 504, SOMA_UPPER_BOUND_CROP,
             (soma_process_plan){504, 377, SOMA_FILTER_NONE, 0, 6, 504, 364, SOMA_FILTER_NONE});
  check_plan(504, 371, 504, SOMA_UPPER_BOUND_RESIZE,
             (soma_process_plan){504, 371, SOMA_FILTER_NONE, 0, 0, 504, 378, SOMA_CUBIC}); /* tie: up */
  check_plan(252, 189, 504, SOMA_UPPER_BOUND_RESIZE,
             (soma_process_plan){504, 378, SOMA_CUBIC, 0, 0, 504, 378, SOMA_FILTER_NONE});
  check_plan(1920, 1080, 504, SOMA_LOWER_BOUND_RESIZE,
             (soma_process_plan){896, 504, SOMA_AREA, 0, 0, 896, 504, SOMA_FILTER_NONE});
  check_plan(1000, 700, 504, SOMA_LOWER_BOUND_CROP,
             (soma_process_plan){720, 504, SOMA_AREA, 3, 0, 714, 504, SOMA_FILTER_NONE});
  check_plan(1008, 3, 504, SOMA_UPPER_BOUND_RESIZE,
             (soma_process_plan){504, 2, SOMA_AREA, 0, 0, 504, 14, SOMA_CUBIC}); /* 1.5 rounds to 2 */
  check_plan(1008, 5, 504, SOMA_UPPER_BOUND_RESIZE,
             (soma_process_plan){504, 2, SOMA_AREA, 0, 0, 504, 14, SOMA_CUBIC}); /* 2.5 rounds to 2 */
  soma_process_plan plan;
  CHECK_EQUAL(soma_process_plan_make(&plan, 1008, 5, 504, 14, SOMA_UPPER_BOUND_CROP), SOMA_BAD_SIZE);
  CHECK_EQUAL(soma_process_plan_make(&plan, 32768, 1, 504, 14, SOMA_LOWER_BOUND_RESIZE), SOMA_BAD_SIZE);
  CHECK_EQUAL(soma_process_plan_make(&plan, 0, 5, 504, 14, 0), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_process_plan_make(&plan, 5, 5, 504, 0, 0), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_process_plan_make(&plan, 5, 5, 504, 14, 4), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_process_plan_make(NULL, 5, 5, 504, 14, 0), SOMA_BAD_ARGUMENT);
}

static void test_view_refusals(void) {
  for (uint32_t format = 0; format <= SOMA_NV12; format++) {
    picture good = make_picture(format, 6, 4, 0);
    CHECK_EQUAL(soma_image_check(&good.view), SOMA_OK);
    soma_image bad = good.view;
    bad.width = 0;
    CHECK_EQUAL(soma_image_check(&bad), SOMA_BAD_SIZE);
    bad = good.view;
    bad.height = SOMA_MAX_IMAGE_SIDE + 1;
    CHECK_EQUAL(soma_image_check(&bad), SOMA_BAD_SIZE);
    bad = good.view;
    bad.reserved = 1;
    CHECK_EQUAL(soma_image_check(&bad), SOMA_BAD_ARGUMENT);
    bad = good.view;
    bad.colour = 4;
    CHECK_EQUAL(soma_image_check(&bad), soma_is_ycbcr(format) ? SOMA_BAD_ARGUMENT : SOMA_OK);
    for (uint32_t i = 0; i < plane_count(&good); i++) {
      bad = good.view;
      bad.stride_bytes[i]--;
      CHECK_EQUAL(soma_image_check(&bad), SOMA_BAD_SIZE);
      bad = good.view;
      bad.planes[i] = NULL;
      CHECK_EQUAL(soma_image_check(&bad), SOMA_BAD_ARGUMENT);
    }
    picture other = make_picture((format + 1) % 5, 6, 4, 0);
    CHECK_EQUAL(soma_image_resize(&other.view, &good.view, SOMA_LINEAR), SOMA_BAD_ARGUMENT);
    CHECK_EQUAL(soma_image_crop(&other.view, &good.view, 0, 0), SOMA_BAD_ARGUMENT);
    CHECK_EQUAL(soma_image_orient(&other.view, &good.view, 1), SOMA_BAD_ARGUMENT);
    CHECK_EQUAL(soma_image_orient(&good.view, &good.view, 0), SOMA_BAD_ARGUMENT);
    CHECK_EQUAL(soma_image_orient(&good.view, &good.view, 9), SOMA_BAD_ARGUMENT);
    other.view.width = 5;
    CHECK_EQUAL(soma_image_convert(&other.view, &good.view), SOMA_BAD_SIZE);
    drop_picture(&other);
    drop_picture(&good);
  }
  CHECK_EQUAL(soma_image_check(NULL), SOMA_BAD_ARGUMENT);
  picture odd = make_picture(SOMA_I420, 5, 4, 0);
  CHECK_EQUAL(soma_image_orient(&odd.view, &odd.view, 2), SOMA_BAD_SIZE);
  drop_picture(&odd);
}

int main(void) {
  for (uint32_t format = 0; format <= SOMA_NV12; format++) {
    test_orientations(format, 70, 66);
    test_orientations(format, 2, 130);
    if (!soma_is_ycbcr(format)) test_orientations(format, 65, 3);
    test_crop(format);
    test_sums(format, 35, 21);
    test_sums(format, 300, 18);
    for (uint32_t to = 0; to <= SOMA_NV12; to++) {
      for (uint32_t colours = 0; colours < 16; colours++) {
        test_convert(format, to, colours % 4, colours / 4, 21, 15);
        test_convert(format, to, colours % 4, colours / 4, 261, 2);
        test_convert(format, to, colours % 4, colours / 4, 1, 1);
      }
    }
  }
  test_resizes();
  test_chw();
  test_plans();
  test_view_refusals();
  return check_report("image");
}
