/*
 * The stages meet here: source, decode, flows, engine.
 */
#include "shipper/worker.h"
#include "shipper/base/must.h"
#include "shipper/decode/copies.h"
#include "shipper/decode/share.h"
#include "shipper/guard/crash.h"

#include <stdlib.h>
#include <time.h>

enum {
	FLUSH_EVERY = 1024, /* frames between two looks at the age of what waits in the funnel */
	LAST_MAIL_MS = 5,   /* how often a worker that has read all looks for mail */
};

struct worker {
	const struct settings *settings;
	struct tap tap;
	const struct document_sink *sink;
	void *sink_self;
	struct quota quota;
	struct counters counters;
	struct glimpse shown; /* what other threads see; atomically written and read */
	struct decoder *decoder;
	struct copies *copies; /* NULL until a frame tells its device */
	struct flow_table *flows;
	struct engine *engine;
	nsec now;		     /* packet time */
	uint64_t beat;		     /* rounds; atomically written and read */
	const struct settings *next; /* to change to; NULL: nothing; atomically, as is settings */
	struct team *team;	     /* NULL when alone */
	unsigned place;		     /* in it */
	bool reads_all;		     /* as all of the team do */
};

/* ---- What the flow table calls ---- */

static struct conn *conn_of(struct worker *w, struct flow *flow)
{
	if (flow->user == NULL && !flow->ignored) {
		flow->user = conn_new(w->engine, flow);
		flow->ignored = flow->user == NULL;
	}
	return flow->user;
}

static void on_data(void *self, struct flow *flow, enum side from, const struct piece *piece)
{
	struct conn *conn = conn_of(self, flow);

	if (conn == NULL)
		return;
	conn_data(conn, from, piece);
	if (conn_is_passing(conn))
		flow->ignored = true;
}

static void on_lost(void *self, struct flow *flow, enum side from, uint64_t n, nsec when)
{
	struct conn *conn = conn_of(self, flow);

	if (conn)
		conn_lost(conn, from, n, when);
}

static void on_end(void *self, struct flow *flow, enum side from, nsec when)
{
	(void)self;
	if (flow->user)
		conn_end(flow->user, from, when);
}

static void on_datagram(void *self, struct flow *flow, enum side from, const struct piece *piece,
			uint32_t cut_bytes)
{
	struct conn *conn = conn_of(self, flow);

	if (conn)
		conn_datagram(conn, from, piece, cut_bytes);
}

static bool on_waits(void *self, const struct flow *flow)
{
	(void)self;
	return flow->user && conn_is_waiting(flow->user);
}

static void on_close(void *self, struct flow *flow, enum flow_end why, nsec when)
{
	(void)self;
	(void)when;
	if (flow->user)
		conn_free(flow->user, why);
	flow->user = NULL;
}

static enum side on_guess(void *self, const struct packet *packet)
{
	const struct worker *w = self;

	return engine_guess(w->engine, packet);
}

static const struct flow_sink flow_sink = {
	.data = on_data,
	.lost = on_lost,
	.end = on_end,
	.datagram = on_datagram,
	.waits = on_waits,
	.close = on_close,
	.guess = on_guess,
};

/* ---- The worker ---- */

struct worker *worker_new(const struct settings *settings, struct tap tap,
			  const struct document_sink *sink, void *sink_self, size_t memory)
{
	struct worker *w = must_alloc(sizeof(*w));

	w->settings = settings;
	w->tap = tap;
	w->sink = sink;
	w->sink_self = sink_self;
	w->quota.limit = memory;
	w->now = INT64_MIN;
	w->decoder = decoder_new(&settings->decode, &w->quota, &w->counters);
	w->engine = engine_new(&settings->engine, sink, sink_self, &w->quota, &w->counters);
	w->flows = flow_table_new(&settings->flow, &flow_sink, w, &w->quota, &w->counters);
	return w;
}

void worker_free(struct worker *w)
{
	if (w == NULL)
		return;
	flow_table_free(w->flows);
	engine_free(w->engine);
	copies_free(w->copies);
	decoder_free(w->decoder);
	if (w->tap.source)
		w->tap.source->close(w->tap.self);
	free(w);
}

void worker_join(struct worker *w, struct team *team, unsigned place)
{
	w->team = team;
	w->place = place;
	w->reads_all = team_reads_all(team);
}

void worker_limit(struct worker *w, size_t memory)
{
	quota_limit(&w->quota, memory);
}

/* Fragments that all of a team keep are the first one's to count. */
static void expire_fragments(struct worker *w)
{
	uint64_t before = w->counters.at[COUNT_FRAGMENTS_EXPIRED];

	decoder_expire(w->decoder, w->now);
	if (w->reads_all && w->place != SHARE_TOGETHER)
		w->counters.at[COUNT_FRAGMENTS_EXPIRED] = before;
}

static void expire(struct worker *w)
{
	flow_expire(w->flows, w->now);
	engine_expire(w->engine, w->now);
	expire_fragments(w);
}

/* The time to expire by: the latest seen, of this capture. */
static nsec later(nsec now, nsec when)
{
	nsec back;

	if (when >= now || __builtin_sub_overflow(now, when, &back) || back > TIME_BACK_MAX)
		return when;
	return now;
}

/* The oldest of conversations, and of what outlives them: both are memory. */
static bool let_go(struct worker *w)
{
	bool flow = flow_evict(w->flows), more = engine_shrink(w->engine);

	return flow || more;
}

static void receive(struct worker *w, const struct frame *frame)
{
	count(&w->counters, COUNT_FRAMES_RECEIVED);
	count_n(&w->counters, COUNT_FRAMES_BYTES, frame->wire_bytes);
	if (frame->bytes.len < frame->wire_bytes)
		count(&w->counters, COUNT_FRAMES_CUT);
}

static void hand_over(struct worker *w, unsigned to, const struct packet *packet)
{
	count(&w->counters, COUNT_PACKETS_HANDED_OVER);
	if (!team_post(w->team, to, packet))
		count(&w->counters, COUNT_PACKETS_NOT_HANDED_OVER);
}

/* Seen before, on another device. */
static bool is_copy(struct worker *w, const struct packet *packet)
{
	if (packet->device == 0)
		return false;
	if (w->copies == NULL)
		w->copies = copies_new();
	if (!copies_have(w->copies, packet))
		return false;
	count(&w->counters, COUNT_PACKETS_COPIES);
	return true;
}

/* The conversation of the frame in hand, whose flow has come by now, and the flow of the next. */
static void look_ahead(struct worker *w, const struct frame *frame)
{
	const void *conn = flow_user_ahead(w->flows);
	struct glance next;

	if (conn != NULL)
		conn_fetch(conn);
	flow_look_ahead(w->flows, glance(frame->link, frame->ahead, &next) ? &next : NULL);
}

static void own_frame(struct worker *w, const struct frame *frame)
{
	struct packet packet;
	unsigned whose;
	bool whole;

	receive(w, frame);
	look_ahead(w, frame);
	whole = decode(w->decoder, frame, &packet);
	flow_fetch_ahead(w->flows);
	if (!whole)
		return;
	whose = w->team != NULL ? share_of(team_shares(w->team), &packet) : w->place;
	if (is_copy(w, &packet))
		return;
	if (whose == w->place)
		flow_push(w->flows, &packet);
	else
		hand_over(w, whose, &packet);
}

/* All of the team read this frame. It counts for the one whose packet is in it, and for the first
 * when there is none. */
static void common_frame(struct worker *w, const struct frame *frame)
{
	const struct share *share = team_shares(w->team);
	int glance = share_glance(share, frame);
	struct counters before;
	struct packet packet;
	unsigned whose = SHARE_TOGETHER;
	bool whole;

	if (glance >= 0 && (unsigned)glance != w->place)
		return;
	if (glance < 0)
		before = w->counters;
	receive(w, frame);
	whole = decode(w->decoder, frame, &packet);
	if (glance < 0 && whole)
		whose = share_of(share, &packet);
	if (glance < 0 && whose != w->place)
		w->counters = before;
	else if (whole && !is_copy(w, &packet))
		flow_push(w->flows, &packet);
}

void worker_frame(struct worker *w, const struct frame *frame)
{
	w->now = later(w->now, frame->when);
	if (w->reads_all)
		common_frame(w, frame);
	else
		own_frame(w, frame);
	expire(w);
	while (quota_over(&w->quota) && let_go(w))
		count(&w->counters, COUNT_MEMORY_EVICTIONS);
}

/* What others decoded for this one. */
static void take_mail(struct worker *w)
{
	struct letter *letter = team_mail(w->team, w->place);

	while (letter != NULL) {
		struct letter *next = letter->next;

		flow_push(w->flows, &letter->packet);
		free(letter);
		letter = next;
	}
	while (quota_over(&w->quota) && let_go(w))
		count(&w->counters, COUNT_MEMORY_EVICTIONS);
}

static void beat(struct worker *w)
{
	__atomic_store_n(&w->beat, w->beat + 1, __ATOMIC_RELAXED);
}

/* Its own source has ended; what others still read may be for it. */
static void await_mail(struct worker *w)
{
	struct timespec pause = {.tv_nsec = (int64_t)LAST_MAIL_MS * NS_PER_MS};

	team_leave(w->team);
	while (team_reads(w->team)) {
		beat(w);
		take_mail(w);
		nanosleep(&pause, NULL);
	}
	take_mail(w);
}

void worker_finish(struct worker *w)
{
	flow_finish(w->flows);
	engine_finish(w->engine);
	if (w->sink->flush)
		w->sink->flush(w->sink_self, true);
}

/* Both are made of counters of 64 bits and nothing else. */
static void copy(void *to, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++) {
		uint64_t n = __atomic_load_n((const uint64_t *)from + i, __ATOMIC_RELAXED);

		__atomic_store_n((uint64_t *)to + i, n, __ATOMIC_RELAXED);
	}
}

void worker_totals(struct worker *w, struct glimpse *to)
{
	*to = (struct glimpse){.counters = w->counters};
	if (w->tap.source && w->tap.source->stats)
		w->tap.source->stats(w->tap.self, &to->source);
	for (unsigned i = 0; protos[i] != NULL; i++)
		for (unsigned s = 0; s < STATUS_COUNT; s++)
			to->exchanges[i][s] = engine_tally(w->engine, i, (enum status)s);
}

static void show(struct worker *w)
{
	struct glimpse now;

	worker_totals(w, &now);
	copy(&w->shown, &now, sizeof(now));
}

void glimpse_add(struct glimpse *sum, const struct glimpse *more)
{
	counters_add(&sum->counters, &more->counters);
	sum->source.received += more->source.received;
	sum->source.dropped_kernel += more->source.dropped_kernel;
	sum->source.dropped_interface += more->source.dropped_interface;
	sum->source.done += more->source.done;
	sum->source.size += more->source.size;
	for (size_t i = 0; i < sizeof(sum->exchanges) / sizeof(uint64_t); i++)
		(&sum->exchanges[0][0])[i] += (&more->exchanges[0][0])[i];
}

void worker_glimpse(const struct worker *w, struct glimpse *to)
{
	copy(to, &w->shown, sizeof(*to));
}

uint64_t worker_beat(const struct worker *w)
{
	return __atomic_load_n(&w->beat, __ATOMIC_RELAXED);
}

/* Told to stop, a source that holds frames gives them first. */
static bool goes_on(struct worker *w, const volatile sig_atomic_t *stop, bool *draining)
{
	if (*draining || !__atomic_load_n(stop, __ATOMIC_RELAXED))
		return true;
	if (w->tap.source->drain == NULL)
		return false;
	w->tap.source->drain(w->tap.self);
	*draining = true;
	return true;
}

void worker_change(struct worker *w, const struct settings *settings)
{
	__atomic_store_n(&w->next, settings, __ATOMIC_RELEASE);
}

const struct settings *worker_settings(const struct worker *w)
{
	return __atomic_load_n(&w->settings, __ATOMIC_ACQUIRE);
}

void worker_adopt(struct worker *w, const struct settings *settings)
{
	flow_table_adopt(w->flows, &settings->flow);
	engine_adopt(w->engine, &settings->engine);
	__atomic_store_n(&w->settings, settings, __ATOMIC_RELEASE);
}

void worker_change_source(struct worker *w, const void *conf)
{
	if (w->tap.source->change != NULL)
		w->tap.source->change(w->tap.self, conf);
}

/* One load a round tells that there is nothing to change. */
static void change(struct worker *w)
{
	const struct settings *next;

	if (__atomic_load_n(&w->next, __ATOMIC_RELAXED) == NULL)
		return;
	next = __atomic_exchange_n(&w->next, NULL, __ATOMIC_ACQUIRE);
	worker_adopt(w, next);
}

bool worker_run(struct worker *w, const volatile sig_atomic_t *stop, struct fault *fault)
{
	unsigned since_flush = 0;
	enum next next = NEXT_FRAME;
	bool draining = false;
	struct frame frame = {.bytes = NO_BYTES};
	struct crash_worker self = {&w->counters, &frame.bytes, &frame.link};

	crash_add(&self);
	while (goes_on(w, stop, &draining)) {
		/* Which bytes came last stays, for a report. */
		frame = (struct frame){INT64_MIN, .bytes = frame.bytes, .link = frame.link};
		beat(w);
		change(w);
		if (w->team != NULL && team_has_mail(w->team, w->place))
			take_mail(w);
		next = w->tap.source->next(w->tap.self, &frame, fault);
		if (next == NEXT_END || next == NEXT_FAILED)
			break;
		if (next == NEXT_FRAME) {
			worker_frame(w, &frame);
			if (++since_flush < FLUSH_EVERY)
				continue;
		}
		if (next == NEXT_IDLE && frame.when > w->now) {
			w->now = frame.when;
			expire(w);
		}
		since_flush = 0;
		show(w);
		if (w->sink->flush)
			w->sink->flush(w->sink_self, next == NEXT_IDLE);
	}
	if (w->team != NULL && !w->reads_all)
		await_mail(w);
	worker_finish(w);
	__atomic_store_n(&w->beat, WORKER_ENDED, __ATOMIC_RELAXED);
	crash_remove(&self);
	return next != NEXT_FAILED;
}

const struct counters *worker_counters(const struct worker *w)
{
	return &w->counters;
}

size_t worker_memory_most(const struct worker *w)
{
	return w->quota.most;
}
