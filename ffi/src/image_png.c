/* image_png.c: unpacks PNG files whose pixels are stored, not compressed. Not a PNG decoder: what it cannot copy it refuses. */
#include "image.h"

#include <stddef.h>
#include <string.h>

static uint32_t read_u32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static bool is_type(const uint8_t *chunk, const char *type) { return memcmp(chunk + 4, type, 4) == 0; }

/* The chunk that starts at offset: length, type, data, CRC. Null when it does not fit into the file. */
static const uint8_t *chunk_at(const uint8_t *png, uint64_t png_bytes, uint64_t offset) {
  if (offset > png_bytes || png_bytes - offset < 12) return NULL;
  const uint8_t *chunk = png + offset;
  return read_u32(chunk) <= png_bytes - offset - 12 ? chunk : NULL;
}

static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
enum { HEADER_END = 8 + 12 + 13 };

int32_t soma_png_header(soma_png_info *out, const uint8_t *png, uint64_t png_bytes) {
  if (out == NULL || png == NULL) return SOMA_BAD_ARGUMENT;
  if (png_bytes < HEADER_END || memcmp(png, signature, sizeof signature) != 0) return SOMA_BAD_IMAGE;
  const uint8_t *header = png + 8;
  if (read_u32(header) != 13 || !is_type(header, "IHDR")) return SOMA_BAD_IMAGE;
  const uint8_t depth = header[16], colour_type = header[17], compression = header[18];
  const uint8_t filter = header[19], interlace = header[20];
  if (depth != 8 || compression != 0 || filter != 0 || interlace != 0) return SOMA_BAD_IMAGE;
  soma_png_info info = {.width = read_u32(header + 8), .height = read_u32(header + 12)};
  if (info.width == 0 || info.width > SOMA_MAX_IMAGE_SIDE) return SOMA_BAD_IMAGE;
  if (info.height == 0 || info.height > SOMA_MAX_IMAGE_SIDE) return SOMA_BAD_IMAGE;
  switch (colour_type) {
    case 0:
      info.format = SOMA_GREY;
      break;
    case 2:
      info.format = SOMA_RGB;
      break;
    case 6:
      info.format = SOMA_RGBA;
      break;
    default:
      return SOMA_BAD_IMAGE;
  }
  *out = info;
  return SOMA_OK;
}

/* Two layers of framing: IDAT chunks carry a zlib stream, whose stored blocks carry the rows. Either may break anywhere. */
typedef struct reader {
  const uint8_t *png;
  uint64_t png_bytes;
  uint64_t next_chunk; /* offset of the chunk after the current one */
  const uint8_t *data; /* unread bytes of the current IDAT chunk */
  uint32_t data_bytes;
  uint32_t block_bytes; /* unread bytes of the current stored block */
  bool is_last_block;
} reader;

static bool next_data_chunk(reader *r) {
  while (r->data_bytes == 0) {
    const uint8_t *chunk = chunk_at(r->png, r->png_bytes, r->next_chunk);
    if (chunk == NULL || is_type(chunk, "IEND")) return false;
    r->next_chunk += 12 + (uint64_t)read_u32(chunk);
    if (!is_type(chunk, "IDAT")) continue;
    r->data = chunk + 8;
    r->data_bytes = read_u32(chunk);
  }
  return true;
}

static bool read_stream(reader *r, uint8_t *out, uint32_t count) {
  while (count > 0) {
    if (!next_data_chunk(r)) return false;
    const uint32_t part = count < r->data_bytes ? count : r->data_bytes;
    memcpy(out, r->data, part);
    out += part;
    count -= part;
    r->data += part;
    r->data_bytes -= part;
  }
  return true;
}

/* RFC 1951, 3.2.4: three header bits, padding to a byte, LEN, ~LEN. Stored blocks start at byte boundaries after one another. */
static bool next_block(reader *r) {
  while (r->block_bytes == 0) {
    uint8_t header[5];
    if (r->is_last_block || !read_stream(r, header, sizeof header)) return false;
    const uint32_t length = (uint32_t)header[1] | (uint32_t)header[2] << 8;
    const uint32_t complement = (uint32_t)header[3] | (uint32_t)header[4] << 8;
    if ((header[0] & 6u) != 0 || length != (complement ^ 0xffffu)) return false;
    r->is_last_block = (header[0] & 1u) != 0;
    r->block_bytes = length;
  }
  return true;
}

static bool read_pixels(reader *r, uint8_t *out, uint32_t count) {
  while (count > 0) {
    if (!next_block(r)) return false;
    const uint32_t part = count < r->block_bytes ? count : r->block_bytes;
    if (!read_stream(r, out, part)) return false;
    out += part;
    count -= part;
    r->block_bytes -= part;
  }
  return true;
}

/* No row is left, and the stream ends here: at most empty blocks follow, the last of them marked so. */
static bool is_at_end(reader *r) {
  if (r->block_bytes != 0) return false;
  return r->is_last_block || (!next_block(r) && r->is_last_block);
}

/* RFC 1950: deflate, a window of at most 32 KiB, no preset dictionary, header checksum. */
static bool read_zlib_header(reader *r) {
  uint8_t header[2];
  if (!read_stream(r, header, sizeof header)) return false;
  return (header[0] & 0x0fu) == 8 && header[0] >> 4 <= 7 && (header[1] & 0x20u) == 0 &&
         ((uint32_t)header[0] << 8 | header[1]) % 31 == 0;
}

static uint8_t paeth(uint8_t left, uint8_t above, uint8_t corner) {
  const int32_t to_left = above > corner ? above - corner : corner - above;
  const int32_t to_above = left > corner ? left - corner : corner - left;
  const int32_t both = left + above - 2 * corner;
  const int32_t to_corner = both < 0 ? -both : both;
  if (to_left <= to_above && to_left <= to_corner) return left;
  return to_above <= to_corner ? above : corner;
}

/* PNG 9.2, in place. above is the finished row before, or null for the first row, which counts as zeros. */
static bool unfilter_row(uint8_t *row, const uint8_t *above, uint32_t row_bytes, uint32_t step, uint8_t filter) {
  if (filter > 4) return false;
  if (filter == 0) return true;
  for (uint32_t i = 0; i < row_bytes; i++) {
    const uint8_t a = i >= step ? row[i - step] : 0;
    const uint8_t b = above != NULL ? above[i] : 0;
    const uint8_t c = i >= step && above != NULL ? above[i - step] : 0;
    const uint32_t predictions[5] = {0, a, b, ((uint32_t)a + b) / 2, filter == 4 ? paeth(a, b, c) : 0u};
    row[i] = (uint8_t)(row[i] + predictions[filter]);
  }
  return true;
}

int32_t soma_png_strip(const soma_image *dst, const uint8_t *png, uint64_t png_bytes) {
  const int32_t dst_status = soma_image_check(dst);
  if (dst_status != SOMA_OK) return dst_status;
  soma_png_info info;
  const int32_t status = soma_png_header(&info, png, png_bytes);
  if (status != SOMA_OK) return status;
  if (dst->format != info.format) return SOMA_BAD_ARGUMENT;
  if (dst->width != info.width || dst->height != info.height) return SOMA_BAD_SIZE;
  reader r = {.png = png, .png_bytes = png_bytes, .next_chunk = HEADER_END};
  if (!read_zlib_header(&r)) return SOMA_BAD_IMAGE;
  soma_plane plane[3];
  soma_image_planes(plane, dst);
  const uint32_t step = plane[0].channels, row_bytes = info.width * step;
  const uint8_t *above = NULL;
  for (uint32_t y = 0; y < info.height; y++) {
    uint8_t *row = soma_row(&plane[0], y), filter;
    if (!read_pixels(&r, &filter, 1) || !read_pixels(&r, row, row_bytes)) return SOMA_BAD_IMAGE;
    if (!unfilter_row(row, above, row_bytes, step, filter)) return SOMA_BAD_IMAGE;
    above = row;
  }
  return is_at_end(&r) ? SOMA_OK : SOMA_BAD_IMAGE;
}
