/*
 * Packs the bodies of requests: gzip, zstd, or not at all.
 *
 * zstd packs while the body grows. The packers of gzip are given it whole, and in return are two
 * and four times as fast as zlib: libdeflate, and at level 1 ISA-L, where the program was built
 * with it (WIRESPAN_ISAL).
 *
 * Source   RFC 1952 (gzip), RFC 8878 (zstd)
 * Owns     the body, plain and packed, and the packers
 */
#ifndef WIRESPAN_OUTPUTS_ELASTICSEARCH_PACK_H
#define WIRESPAN_OUTPUTS_ELASTICSEARCH_PACK_H

#include "outputs/elasticsearch/conf.h"

struct pack {
	struct libdeflate_compressor *gzip; /* NULL: not packed so */
	struct isal_zstream *quick;	    /* NULL: by libdeflate */
	uint8_t *quick_room;		    /* what it works in */
	struct ZSTD_CCtx_s *zstd;	    /* NULL: not packed so */
	struct buf body;		    /* as it is sent, once it has ended */
	struct buf plain;		    /* what gzip is to pack */
};

void pack_init(struct pack *pack, const struct elastic_conf *conf);
void pack_fini(struct pack *pack);

void pack_begin(struct pack *pack);
void pack_add(struct pack *pack, struct bytes more);
struct bytes pack_end(struct pack *pack);

/* For Content-Encoding; NULL when it is not packed. */
const char *pack_encoding(const struct pack *pack);

#endif
