/*
 * A run of bytes of one direction, in order, with the time of the packet that brought it.
 *
 * Borrows  the bytes, until the call that was handed the piece returns
 */
#ifndef WIRESPAN_BASE_PIECE_H
#define WIRESPAN_BASE_PIECE_H

#include "shipper/base/bytes.h"
#include "shipper/base/side.h"
#include "shipper/base/time.h"

#define PEER_UNKNOWN UINT64_MAX

struct piece {
	struct bytes bytes;
	nsec when;	  /* of its packet, however late it came */
	uint64_t peer_at; /* how many bytes of the other direction its sender had received when
			     it sent this (from the ACK number); PEER_UNKNOWN where that cannot
			     be told. An answer cannot be to a question that came later. */
	bool again;	  /* perhaps sent again, the first time not captured: its sender had sent
			     more, or the other side had acknowledged it, before. peer_at may
			     then be newer than the bytes. */
};

#endif
