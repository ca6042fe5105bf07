/*
 * A session description: who takes which media where.
 *
 * Source   RFC 8866 (SDP), RFC 3264 (offer and answer, hold), RFC 3551 (static payload types)
 * Borrows  the body
 */
#ifndef WIRESPAN_SIP_SDP_H
#define WIRESPAN_SIP_SDP_H

#include "protos/sip/message.h"

enum { SDP_STREAMS_MAX = 4, SDP_CODECS_MAX = 12 };

enum sdp_direction { SDP_NOT_SAID, SDP_SENDRECV, SDP_SENDONLY, SDP_RECVONLY, SDP_INACTIVE };

struct sdp_stream {
	struct bytes kind, address; /* address: its own, or the session's */
	int32_t port;		    /* 0: refused */
};

struct sdp {
	struct bytes version, session;
	struct bytes owner[6];	 /* o=: user, session, version, network, type, address */
	struct bytes connection; /* c= of the session, whole */
	struct bytes address;	 /* its address, where there is one */
	struct sdp_stream streams[SDP_STREAMS_MAX];
	unsigned streams_count;
	struct bytes codecs[SDP_CODECS_MAX]; /* "PCMA/8000", of all streams */
	unsigned codecs_count;
	enum sdp_direction direction; /* the session's, or the first stream's */
	bool held;		      /* a direction or an address that asks to be silent */
};

/* The same by places in the body, to be kept beside it. */
struct sdp_kept {
	struct span version, session, owner[6], connection, address;
	struct {
		struct span kind, address;
		int32_t port;
	} streams[SDP_STREAMS_MAX];
	struct span codecs[SDP_CODECS_MAX];
	uint8_t streams_count, codecs_count, direction;
	bool held;
};

extern const char *const sdp_direction_names[5];

/* False: no session description. */
bool sdp_read(struct sdp *sdp, struct bytes body);
void sdp_pack(const struct sdp *sdp, struct bytes body, struct sdp_kept *kept);
void sdp_unpack(const struct sdp_kept *kept, struct bytes body, struct sdp *sdp);
bool sdp_is_type(struct bytes content_type);

#endif
