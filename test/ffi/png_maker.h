/* png_maker.h: an encoder of stored-deflate PNGs for the C tests: any filters, any split into blocks and IDAT chunks. Checksums are left
 * at zero, since soma_png_strip does not read them. */
#ifndef SOMA_PNG_MAKER_H
#define SOMA_PNG_MAKER_H

#include "check.h"

typedef struct bytes {
  uint8_t *data;
  uint32_t count;
  uint32_t capacity;
} bytes;

static inline void put_bytes(bytes *out, const void *data, uint32_t count) {
  if (out->count + count >= out->capacity) {
    out->capacity = 2 * (out->count + count) + 256;
    out->data = realloc(out->data, out->capacity);
    if (out->data == NULL) abort();
  }
  memcpy(out->data + out->count, data, count);
  out->count += count;
}

static inline void put_byte(bytes *out, uint32_t value) { put_bytes(out, &(uint8_t){(uint8_t)value}, 1); }

static inline void put_big(bytes *out, uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) put_byte(out, value >> shift);
}

static inline void put_chunk(bytes *out, const char *type, const uint8_t *data, uint32_t count) {
  put_big(out, count);
  put_bytes(out, type, 4);
  if (count > 0) put_bytes(out, data, count);
  put_big(out, 0);
}

/* PNG 9.2 the other way round, straight from the text. */
static inline uint8_t filtered(const uint8_t *pixels, uint32_t row_bytes, uint32_t step, uint32_t y, uint32_t i,
                               uint32_t filter) {
  const uint8_t *row = pixels + (size_t)y * row_bytes;
  const int a = i >= step ? row[i - step] : 0;
  const int b = y > 0 ? row[(int64_t)i - row_bytes] : 0;
  const int c = i >= step && y > 0 ? row[(int64_t)i - row_bytes - step] : 0;
  const int p = a + b - c;
  const int nearest = abs(p - a) <= abs(p - b) && abs(p - a) <= abs(p - c) ? a : abs(p - b) <= abs(p - c) ? b : c;
  const int predicted[5] = {0, a, b, (a + b) / 2, nearest};
  return (uint8_t)(row[i] - predicted[filter]);
}

/* filter 0 … 4, or 5 for a different one in each row; max_block and max_chunk bound the parts. */
static inline bytes make_png(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t step, uint32_t filter,
                             uint32_t max_block, uint32_t max_chunk) {
  const uint32_t row_bytes = width * step;
  bytes raw = {0}, stream = {0}, png = {0};
  for (uint32_t y = 0; y < height; y++) {
    const uint32_t f = filter == 5 ? y % 5 : filter;
    put_byte(&raw, f);
    for (uint32_t i = 0; i < row_bytes; i++) put_byte(&raw, filtered(pixels, row_bytes, step, y, i, f));
  }
  put_bytes(&stream, (uint8_t[]){0x78, 0x01}, 2);
  for (uint32_t at = 0; at < raw.count;) {
    const uint32_t left = raw.count - at, length = left < max_block ? left : max_block;
    put_byte(&stream, length == left ? 1 : 0);
    put_bytes(&stream, (uint8_t[]){(uint8_t)length, (uint8_t)(length >> 8), (uint8_t)~length, (uint8_t)(~length >> 8)},
              4);
    put_bytes(&stream, raw.data + at, length);
    at += length;
  }
  put_big(&stream, 0);
  put_bytes(&png, (uint8_t[]){0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'}, 8);
  bytes header = {0};
  put_big(&header, width);
  put_big(&header, height);
  put_bytes(&header, (uint8_t[]){8, step == 1 ? 0 : step == 3 ? 2 : 6, 0, 0, 0}, 5);
  put_chunk(&png, "IHDR", header.data, header.count);
  put_chunk(&png, "tEXt", (const uint8_t *)"a=b", 3);
  for (uint32_t at = 0; at < stream.count; at += max_chunk) {
    put_chunk(&png, "IDAT", stream.data + at, stream.count - at < max_chunk ? stream.count - at : max_chunk);
  }
  put_chunk(&png, "IEND", NULL, 0);
  free(header.data);
  free(stream.data);
  free(raw.data);
  return png;
}

#endif
