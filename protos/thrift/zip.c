/*
 * Payloads that a header transport has deflated, inflated piece by piece.
 *
 * Owns     zlib's state while a message is in hand; charged to the quota
 */
#include "protos/thrift/thrift.h"

#include <stdlib.h>

#define ZLIB_CONST
#include <zlib.h>

#include "shipper/base/must.h"

enum { ZIP_ROOM = 4096 };

struct zip {
	z_stream z;
	uint64_t total;
	size_t len;
	bool ended;
	uint8_t out[ZIP_ROOM];
};

void zip_open(struct reading *r)
{
	struct zip *zip = must_alloc(sizeof(*zip));

	must(inflateInit(&zip->z) == Z_OK);
	quota_take(conn_quota(r->conn), ZIP_BYTES + sizeof(*zip));
	r->side->zip = zip;
}

void zip_close(struct conn *conn, struct thrift_side *side)
{
	if (side->zip == NULL)
		return;
	inflateEnd(&side->zip->z);
	free(side->zip);
	quota_give(conn_quota(conn), ZIP_BYTES + sizeof(struct zip));
	side->zip = NULL;
}

bool zip_more(struct zip *zip, struct cursor *c, uint64_t limit)
{
	struct bytes in = bytes_head(cursor_rest(c), limit);
	uint8_t none = 0;

	if (zip->ended || zip->len == ZIP_ROOM)
		return true;
	zip->z.next_in = in.len > 0 ? in.at : &none;
	zip->z.avail_in = (uInt)(in.len < UINT32_MAX ? in.len : UINT32_MAX);
	zip->z.next_out = zip->out + zip->len;
	zip->z.avail_out = (uInt)(ZIP_ROOM - zip->len);
	uInt offered = zip->z.avail_in;
	int status = inflate(&zip->z, Z_SYNC_FLUSH);

	cursor_take(c, offered - zip->z.avail_in);
	zip->total += ZIP_ROOM - zip->len - zip->z.avail_out;
	zip->len = ZIP_ROOM - zip->z.avail_out;
	zip->ended = status == Z_STREAM_END;
	return (status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR) &&
	       zip->total <= INFLATED_MAX;
}

struct bytes zip_bytes(const struct zip *zip)
{
	return bytes_of(zip->out, zip->len);
}

void zip_take(struct zip *zip, size_t n)
{
	must(n <= zip->len);
	zip->len -= n;
	if (zip->len > 0 && n > 0 && n < ZIP_ROOM)
		memmove(zip->out, zip->out + n, zip->len);
}

bool zip_ended(const struct zip *zip)
{
	return zip->ended;
}
