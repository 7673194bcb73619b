/* png_test.c: soma_png_strip gives back what an independent encoder stored, and refuses everything damaged without a wrong access. */
#include "check.h"
#include "png_maker.h"
#include "soma.h"

static uint32_t format_of(uint32_t step) { return step == 1 ? SOMA_GREY : step == 3 ? SOMA_RGB : SOMA_RGBA; }

static soma_image image_over(uint8_t *data, uint32_t width, uint32_t height, uint32_t step, uint32_t stride) {
  return (soma_image){
      .planes = {data}, .stride_bytes = {stride}, .width = width, .height = height, .format = format_of(step)};
}

static void test_round_trip(uint32_t width, uint32_t height, uint32_t step, uint32_t filter, uint32_t block,
                            uint32_t chunk) {
  const uint32_t row_bytes = width * step, stride = row_bytes + 3;
  uint8_t *pixels = exact_memory((size_t)row_bytes * height);
  for (uint32_t i = 0; i < row_bytes * height; i++) pixels[i] = (uint8_t)random_u32();
  bytes png = make_png(pixels, width, height, step, filter, block, chunk);
  soma_png_info info;
  CHECK_EQUAL(soma_png_header(&info, png.data, png.count), SOMA_OK);
  CHECK_EQUAL(info.width, width);
  CHECK_EQUAL(info.height, height);
  CHECK_EQUAL(info.format, format_of(step));
  uint8_t *out = exact_memory((size_t)stride * (height - 1) + row_bytes);
  const soma_image image = image_over(out, width, height, step, stride);
  CHECK_EQUAL(soma_png_strip(&image, png.data, png.count), SOMA_OK);
  for (uint32_t y = 0; y < height; y++)
    CHECK(memcmp(out + (size_t)y * stride, pixels + (size_t)y * row_bytes, row_bytes) == 0);
  free(out);
  free(png.data);
  free(pixels);
}

/* Every prefix is refused, from memory that ends where the prefix ends. Only the 4-byte checksum of the stream, the chunk's own and the
 * empty IEND may be missing. */
static void test_truncation(void) {
  uint8_t pixels[5 * 4 * 3];
  for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)i;
  bytes png = make_png(pixels, 5, 4, 3, 5, 7, 11);
  uint8_t out[sizeof pixels];
  const soma_image image = image_over(out, 5, 4, 3, 15);
  uint32_t shortest = png.count;
  for (uint32_t count = 0; count < png.count; count++) {
    uint8_t *prefix = exact_memory(count == 0 ? 1 : count);
    memcpy(prefix, png.data, count);
    const int32_t status = soma_png_strip(&image, prefix, count);
    CHECK(status == SOMA_BAD_IMAGE || status == SOMA_OK);
    if (status == SOMA_OK && count < shortest) shortest = count;
    free(prefix);
  }
  CHECK(shortest >=
        png.count - 12 - 4 - 12 - 15); /* IEND, CRC, and a last chunk of at most 11 with part of the Adler-32 */
  CHECK_EQUAL(soma_png_strip(&image, png.data, png.count), SOMA_OK);
  free(png.data);
}

static void test_damage(void) {
  unsigned long accepted = 0, refused = 0;
  for (int round = 0; round < 30000; round++) {
    const uint32_t width = 1 + random_below(9), height = 1 + random_below(9),
                   step = (const uint32_t[]){1, 3, 4}[round % 3];
    uint8_t pixels[9 * 9 * 4] = {0};
    bytes png = make_png(pixels, width, height, step, random_below(6), 1 + random_below(40), 1 + random_below(40));
    uint8_t *damaged = exact_memory(png.count);
    memcpy(damaged, png.data, png.count);
    for (uint32_t edits = 1 + random_below(3); edits > 0; edits--) {
      const uint32_t at = random_below(png.count);
      damaged[at] = random_below(2) == 0 ? (uint8_t)(damaged[at] ^ 1u << random_below(8)) : (uint8_t)random_u32();
    }
    soma_png_info info;
    if (soma_png_header(&info, damaged, png.count) == SOMA_OK && info.width <= 512 && info.height <= 512) {
      const uint32_t channels = info.format == SOMA_GREY ? 1 : info.format == SOMA_RGB ? 3 : 4;
      uint8_t *out = exact_memory((size_t)info.width * channels * info.height);
      const soma_image image = image_over(out, info.width, info.height, channels, info.width * channels);
      if (soma_png_strip(&image, damaged, png.count) == SOMA_OK) {
        accepted++;
      } else {
        refused++;
      }
      free(out);
    } else {
      refused++;
    }
    free(damaged);
    free(png.data);
  }
  printf("png: damaged files: %lu accepted, %lu refused\n", accepted, refused);
  CHECK(accepted > 1000);
  CHECK(refused > 1000);
}

static void test_refusals(void) {
  uint8_t pixels[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, out[16];
  bytes png = make_png(pixels, 2, 2, 3, 0, 100, 100);
  soma_image image = image_over(out, 2, 2, 3, 6);
  CHECK_EQUAL(soma_png_strip(&image, png.data, png.count), SOMA_OK);
  image.width = 1;
  CHECK_EQUAL(soma_png_strip(&image, png.data, png.count), SOMA_BAD_SIZE);
  image = image_over(out, 2, 2, 4, 8);
  CHECK_EQUAL(soma_png_strip(&image, png.data, png.count), SOMA_BAD_ARGUMENT);
  image = image_over(out, 2, 2, 3, 5);
  CHECK_EQUAL(soma_png_strip(&image, png.data, png.count), SOMA_BAD_SIZE);
  CHECK_EQUAL(soma_png_strip(NULL, png.data, png.count), SOMA_BAD_ARGUMENT);
  image = image_over(out, 2, 2, 3, 6);
  CHECK_EQUAL(soma_png_strip(&image, NULL, png.count), SOMA_BAD_ARGUMENT);
  CHECK_EQUAL(soma_png_header(NULL, png.data, png.count), SOMA_BAD_ARGUMENT);
  soma_png_info info;
  const struct {
    uint32_t at;
    uint8_t value;
  } changes[] = {{0, 'x'}, {11, 12}, {15, 'x'}, {24, 16}, {24, 4}, {25, 3},
                 {25, 4},  {26, 1},  {27, 1},   {28, 1},  {19, 0}, {16, 0xff}};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    const uint8_t kept = png.data[changes[i].at];
    png.data[changes[i].at] = changes[i].value;
    CHECK_EQUAL(soma_png_header(&info, png.data, png.count), SOMA_BAD_IMAGE);
    png.data[changes[i].at] = kept;
  }
  free(png.data);
}

/* Offsets in a file of make_png with a single chunk and block: signature 8, IHDR 25, tEXt 15, then the IDAT chunk. */
enum { IDAT_TYPE = 52, ZLIB = 56, BLOCK = 58, LENGTH = 59, COMPLEMENT = 61, FILTER = 63 };

static void test_stream_refusals(void) {
  uint8_t pixels[18] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18}, out[18];
  bytes png = make_png(pixels, 2, 2, 3, 0, 100, 100);
  const soma_image image = image_over(out, 2, 2, 3, 6);
  CHECK_EQUAL(png.data[FILTER], 0);
  CHECK_EQUAL(png.data[FILTER + 1], 1);
  const struct {
    uint32_t at;
    uint8_t value;
  } changes[] = {{IDAT_TYPE, 'J'},   {ZLIB, 0x79},       {ZLIB + 1, 0x02},       {BLOCK, 0} /* no last block */,
                 {BLOCK, 3},         {BLOCK, 5},         {LENGTH, 13},           {LENGTH + 1, 1},
                 {COMPLEMENT, 0xf0}, {COMPLEMENT, 0xff}, {COMPLEMENT + 1, 0xfe}, {FILTER, 5}};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    const uint8_t kept = png.data[changes[i].at];
    png.data[changes[i].at] = changes[i].value;
    CHECK_EQUAL(soma_png_strip(&image, png.data, png.count), SOMA_BAD_IMAGE);
    png.data[changes[i].at] = kept;
  }
  /* An encoder that flushes: the last block is one more, and empty. */
  uint8_t *flushed = exact_memory(png.count + 5);
  memcpy(flushed, png.data, FILTER + 14);
  memcpy(flushed + FILTER + 14, (uint8_t[]){1, 0, 0, 0xff, 0xff}, 5);
  memcpy(flushed + FILTER + 19, png.data + FILTER + 14, png.count - FILTER - 14);
  flushed[BLOCK] = 0;
  flushed[IDAT_TYPE - 1] = (uint8_t)(flushed[IDAT_TYPE - 1] + 5);
  CHECK_EQUAL(soma_png_strip(&image, flushed, png.count + 5), SOMA_OK);
  CHECK(memcmp(out, pixels, 12) == 0);
  free(flushed);
  free(png.data);
  /* Three rows in the stream, two in the header: what is left over is not a picture of two rows. */
  for (uint32_t block = 7; block <= 21; block += 7) {
    png = make_png(pixels, 2, 3, 3, 0, block, 100);
    png.data[23] = 2;
    CHECK_EQUAL(soma_png_strip(&image, png.data, png.count), SOMA_BAD_IMAGE);
    free(png.data);
  }
}

int main(void) {
  const uint32_t steps[3] = {1, 3, 4};
  for (uint32_t filter = 0; filter <= 5; filter++) {
    for (uint32_t s = 0; s < 3; s++) {
      test_round_trip(1, 1, steps[s], filter, 65535, 65535);
      test_round_trip(7, 11, steps[s], filter, 5, 3);
      test_round_trip(33, 9, steps[s], filter, 1, 1);
      test_round_trip(64, 30, steps[s], filter, 100, 4096);
    }
  }
  test_round_trip(300, 200, 4, 5, 65535, 8192); /* more than one block of the largest size */
  test_truncation();
  test_damage();
  test_refusals();
  test_stream_refusals();
  return check_report("png");
}
