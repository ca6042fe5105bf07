#include "outputs/elasticsearch/pack.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <zstd.h>

#include "shipper/base/must.h"

#ifdef WIRESPAN_ISAL
#include <isa-l/igzip_lib.h>
#endif

enum { ROOM_STEP = 64 << 10, GZIP_LEVEL_MAX = 9 };

/* ---- ISA-L ---- */

#ifdef WIRESPAN_ISAL
static void quick_init(struct pack *p)
{
	p->quick = must_alloc(sizeof(*p->quick));
	p->quick_room = must_alloc(ISAL_DEF_LVL1_DEFAULT);
}

/* False: it did not fit. */
static bool quick_pack(struct pack *p, size_t most)
{
	struct isal_zstream *z = p->quick;

	isal_deflate_init(z);
	z->gzip_flag = IGZIP_GZIP;
	z->level = 1;
	z->level_buf = p->quick_room;
	z->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
	z->end_of_stream = 1;
	z->flush = NO_FLUSH;
	z->next_in = p->plain.at;
	z->avail_in = (uint32_t)p->plain.len;
	z->next_out = p->body.at;
	z->avail_out = (uint32_t)most;
	if (isal_deflate(z) != COMP_OK || z->internal_state.state != ZSTATE_END)
		return false;
	p->body.len = z->total_out;
	return true;
}
#else
static void quick_init(struct pack *p)
{
	(void)p;
}

static bool quick_pack(struct pack *p, size_t most)
{
	(void)p, (void)most;
	return false;
}
#endif

/* ---- All of them ---- */

void pack_init(struct pack *p, const struct elastic_conf *conf)
{
	int level = (int)conf->compression_level;

	*p = (struct pack){0};
	if (level == 0)
		return;
	if (conf->compression == COMPRESSION_ZSTD) {
		p->zstd = ZSTD_createCCtx();
		must(p->zstd != NULL);
		must(!ZSTD_isError(
			ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, level)));
	} else if (conf->compression == COMPRESSION_GZIP) {
		p->gzip = libdeflate_alloc_compressor(level < GZIP_LEVEL_MAX ? level
									     : GZIP_LEVEL_MAX);
		must(p->gzip != NULL);
		if (level == 1)
			quick_init(p);
	}
}

void pack_fini(struct pack *p)
{
	ZSTD_freeCCtx(p->zstd);
	libdeflate_free_compressor(p->gzip);
	free(p->quick);
	free(p->quick_room);
	buf_fini(&p->body);
	buf_fini(&p->plain);
	*p = (struct pack){0};
}

void pack_begin(struct pack *p)
{
	p->body.len = p->plain.len = 0;
	if (p->zstd != NULL)
		must(!ZSTD_isError(ZSTD_CCtx_reset(p->zstd, ZSTD_reset_session_only)));
}

/* Doubling keeps a large body from being moved often. */
static void make_room(struct pack *p)
{
	if (p->body.cap - p->body.len < ROOM_STEP)
		buf_grow(&p->body, p->body.cap * 2 + 2 * ROOM_STEP);
}

static void zstd_pack(struct pack *p, struct bytes more, bool last)
{
	ZSTD_inBuffer in = {more.at, more.len, 0};
	size_t left;

	do {
		make_room(p);
		ZSTD_outBuffer out = {p->body.at + p->body.len, p->body.cap - p->body.len, 0};

		left = ZSTD_compressStream2(p->zstd, &out, &in,
					    last ? ZSTD_e_end : ZSTD_e_continue);
		must(!ZSTD_isError(left));
		p->body.len += out.pos;
	} while (in.pos < in.size || (last && left > 0));
}

static void gzip_pack(struct pack *p)
{
	size_t most = libdeflate_gzip_compress_bound(p->gzip, p->plain.len);

	buf_room(&p->body, most);
	if (p->quick != NULL && quick_pack(p, most))
		return;
	p->body.len =
		libdeflate_gzip_compress(p->gzip, p->plain.at, p->plain.len, p->body.at, most);
	must(p->body.len > 0);
}

void pack_add(struct pack *p, struct bytes more)
{
	if (p->zstd != NULL)
		zstd_pack(p, more, false);
	else
		buf_add(p->gzip != NULL ? &p->plain : &p->body, more);
}

struct bytes pack_end(struct pack *p)
{
	if (p->zstd != NULL)
		zstd_pack(p, NO_BYTES, true);
	if (p->gzip != NULL)
		gzip_pack(p);
	return buf_bytes(&p->body);
}

const char *pack_encoding(const struct pack *p)
{
	return p->zstd != NULL ? "zstd" : p->gzip != NULL ? "gzip" : NULL;
}
