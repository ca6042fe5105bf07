/*
 * Every counter, once: name, unit and what it says. Plain integers, one set for each worker,
 * summed by the reader.
 *
 * The books: frames.received = packets.decoded + frames.fragment + all of discard.*;
 * queue.handed + queue.recovered = documents.delivered + documents.refused + documents.abandoned
 * + all of queue.lost_* + what is queued.
 *
 * Thread   a set belongs to one thread; others read it torn at worst by one packet
 */
#ifndef WIRESPAN_BASE_COUNTER_H
#define WIRESPAN_BASE_COUNTER_H

#include <stdint.h>

/* X(enumerator, name, unit, sentence) */
#define COUNTERS(X)                                                                                \
	X(FRAMES_RECEIVED, "frames.received", "frames", "Frames read from a file or a device.")    \
	X(FRAMES_BYTES, "frames.bytes", "bytes", "Their length on the wire.")                      \
	X(FRAMES_CUT, "frames.cut", "frames", "Frames of which the capture holds only the front.") \
	X(FRAMES_FRAGMENT, "frames.fragment", "frames",                                            \
	  "IP fragments kept until the rest has come, or given up with it.")                       \
	X(PACKETS_DECODED, "packets.decoded", "packets", "Packets handed to a conversation.")      \
	X(PACKETS_TUNNELLED, "packets.tunnelled", "packets", "Of these, taken out of a tunnel.")   \
	X(PACKETS_CHECKSUM, "packets.checksum", "packets",                                         \
	  "Wrong IP, TCP or UDP checksum (offloading does that): used all the same.")              \
	X(PACKETS_COPIES, "packets.copies", "packets",                                             \
	  "Of these, seen on another device before, and left out.")                                \
	X(PACKETS_HANDED_OVER, "packets.handed_over", "packets",                                   \
	  "Decoded by one worker for another: fragments, and what the kernel cannot tell.")        \
	X(PACKETS_NOT_HANDED_OVER, "packets.not_handed_over", "packets",                           \
	  "Of these, dropped because the other was too busy.")                                     \
	X(DISCARD_LINK, "discard.link", "frames", "Link type or ethertype that is not IP.")        \
	X(DISCARD_MALFORMED, "discard.malformed", "frames", "A header that contradicts itself.")   \
	X(DISCARD_CUT, "discard.cut", "frames", "The capture ends within the headers.")            \
	X(DISCARD_PROTOCOL, "discard.protocol", "frames", "IP payload other than TCP or UDP.")     \
	X(DISCARD_DEPTH, "discard.depth", "frames", "Headers or tunnels nested too deep.")         \
	X(FRAGMENTS_JOINED, "fragments.joined", "packets", "Packets put together from fragments.") \
	X(FRAGMENTS_OVERLAP, "fragments.overlap", "packets",                                       \
	  "Given up because fragments overlapped (RFC 5722).")                                     \
	X(FRAGMENTS_EXPIRED, "fragments.expired", "packets", "Given up because parts never came.") \
	X(FRAGMENTS_LIMIT, "fragments.limit", "packets", "Given up at a limit on fragments.")      \
	X(FLOWS_CREATED, "flows.created", "flows", "Conversations first seen.")                    \
	X(FLOWS_MIDSTREAM, "flows.midstream", "flows", "Of these, TCP first seen in the middle.")  \
	X(FLOWS_CLOSED, "flows.closed", "flows", "Ended by FIN or RST.")                           \
	X(FLOWS_EXPIRED, "flows.expired", "flows", "Ended because nothing came any more.")         \
	X(FLOWS_REUSED, "flows.reused", "flows", "Ended because their ports began anew.")          \
	X(FLOWS_EVICTED, "flows.evicted", "flows", "Ended at the limit on flows or memory.")       \
	X(FLOWS_FINISHED, "flows.finished", "flows", "Still open when the capture ended.")         \
	X(FLOWS_NOBODY, "flows.nobody", "flows", "Conversations that no protocol took.")           \
	X(FLOWS_TLS, "flows.tls", "flows", "Conversations that turned to TLS, and are not read.")  \
	X(STREAM_RETRANSMITTED, "stream.retransmitted", "segments", "Bytes that had come before.") \
	X(STREAM_OVERLAP, "stream.overlap", "bytes",                                               \
	  "Bytes that came twice and differed or overlapped: the first ones were used.")           \
	X(STREAM_REORDERED, "stream.reordered", "segments", "Held until earlier ones came.")       \
	X(STREAM_KEEPALIVE, "stream.keepalive", "segments", "Keep-alive probes.")                  \
	X(STREAM_ZERO_WINDOW, "stream.zero_window", "segments", "The receiver had no room.")       \
	X(STREAM_OUTSIDE, "stream.outside", "segments", "Too far from the stream to belong.")      \
	X(STREAM_GAPS, "stream.gaps", "gaps", "Holes taken for lost.")                             \
	X(STREAM_GAP_BYTES, "stream.gap_bytes", "bytes", "What they would have held.")             \
	X(STREAM_HELD_LIMIT, "stream.held_limit", "times",                                         \
	  "Gaps declared because too much was held.")                                              \
	X(STREAM_ONE_SIDED, "stream.one_sided", "flows", "Only one direction was ever seen.")      \
	X(LANE_ALIEN, "lane.alien", "times", "Bytes that were not the protocol: lost the place.")  \
	X(LANE_RESYNC, "lane.resync", "times", "Reading resumed after a loss.")                    \
	X(LANE_SKIPPED, "lane.skipped_bytes", "bytes", "Passed over while the place was lost.")    \
	X(LANE_PASSED, "lane.passed_bytes", "bytes", "Passed over behind CONNECT, Upgrade, TLS.")  \
	X(LANE_LIMIT, "lane.limit", "times", "An unfinished message part outgrew its buffer.")     \
	X(LANE_GIVEN_UP, "lane.given_up", "flows", "Not the protocol after several tries.")        \
	X(EXCHANGES_BEGUN, "exchanges.begun", "exchanges", "Requests, or answers without one.")    \
	X(EXCHANGES_COMPLETE, "exchanges.complete", "exchanges", "Request and answer both whole.") \
	X(EXCHANGES_UNANSWERED, "exchanges.unanswered", "exchanges",                               \
	  "Requests without an answer.")                                                           \
	X(EXCHANGES_UNASKED, "exchanges.unasked", "exchanges", "Answers without a request.")       \
	X(EXCHANGES_INCOMPLETE, "exchanges.incomplete", "exchanges",                               \
	  "A message of theirs was cut short.")                                                    \
	X(EXCHANGES_TIMEOUT, "exchanges.timeout", "exchanges", "No answer within the timeout.")    \
	X(EXCHANGES_LATE, "exchanges.late", "exchanges", "Answers that came after the timeout.")   \
	X(EXCHANGES_LIMIT, "exchanges.limit", "exchanges",                                         \
	  "Written early, at a limit on open ones.")                                               \
	X(RECORDS_MADE, "records.made", "documents",                                               \
	  "Of documents.made, those that are not exchanges: calls, registrations.")                \
	X(RECORDS_LIMIT, "records.limit", "records",                                               \
	  "Calls and the like written early, at a limit on their number or on memory.")            \
	X(DOCUMENTS_MADE, "documents.made", "documents", "Documents written by the worker.")       \
	X(DOCUMENTS_BYTES, "documents.bytes", "bytes", "Their length.")                            \
	X(DOCUMENTS_CUT, "documents.cut", "documents", "Documents with a text cut at its limit.")  \
	X(DOCUMENTS_DROPPED, "documents.dropped", "documents",                                     \
	  "Dropped because the queue was full.")                                                   \
	X(DOCUMENTS_DELIVERED, "documents.delivered", "documents", "Taken by the output.")         \
	X(DOCUMENTS_REFUSED, "documents.refused", "documents",                                     \
	  "Refused by the output for good: they are in the dead letter file, if there is one.")    \
	X(DOCUMENTS_ABANDONED, "documents.abandoned", "documents",                                 \
	  "Not delivered when the program ended, and kept nowhere.")                               \
	X(MEMORY_EVICTIONS, "memory.evictions", "times",                                           \
	  "Conversations let go to stay within memory.")                                           \
	X(QUEUE_HANDED, "queue.handed", "documents",                                               \
	  "Documents put into the queue: those made, and those of the shipper itself.")            \
	X(QUEUE_RECOVERED, "queue.recovered", "documents",                                         \
	  "Waited in the spool when the program began.")                                           \
	X(QUEUE_NEWEST, "queue.lost_newest", "documents", "Not spooled: the spool was full.")      \
	X(QUEUE_DISK, "queue.lost_disk", "documents", "Not spooled: they could not be written.")   \
	X(QUEUE_OLDEST, "queue.lost_oldest", "documents",                                          \
	  "Removed from the spool to make room for newer ones.")                                   \
	X(QUEUE_AGE, "queue.lost_age", "documents", "Removed from the spool at queue.max_age.")    \
	X(QUEUE_DAMAGED, "queue.lost_damaged", "documents", "Spooled, and damaged on disk since.")

#define COUNTER_ENUM(id, name, unit, text) COUNT_##id,
enum counter { COUNTERS(COUNTER_ENUM) COUNTER_COUNT };
#undef COUNTER_ENUM

struct counters {
	uint64_t at[COUNTER_COUNT];
};

struct counter_info {
	const char *name, *unit, *help;
};

extern const struct counter_info counter_infos[COUNTER_COUNT];

static inline void count(struct counters *c, enum counter which)
{
	c->at[which]++;
}

static inline void count_n(struct counters *c, enum counter which, uint64_t n)
{
	c->at[which] += n;
}

void counters_add(struct counters *sum, const struct counters *more);

#endif
