#include "shipper/publish/sender.h"

#include <inttypes.h>

#include "shipper/base/log.h"
#include "shipper/base/must.h"

enum { LOG_PAUSE_S = 10, REASON_SAID = 400 };

/* How many entries have each verdict. */
struct verdicts {
	uint64_t of[VERDICT_GONE + 1];
	uint64_t bytes;		     /* delivered */
	const struct entry *refused; /* the first */
};

/* Trouble is a run of tries that left something to be sent again. */
struct trouble {
	struct mono since; /* 0: none */
	uint64_t documents;
	bool said;
};

static struct verdicts verdicts_count(const struct batch *b)
{
	struct verdicts v = {0};

	for (size_t i = 0; i < b->count; i++) {
		const struct entry *e = &b->entries[i];

		must(e->verdict <= VERDICT_GONE);
		v.of[e->verdict]++;
		v.bytes += e->verdict == VERDICT_DELIVERED ? e->len : 0;
		if (e->verdict == VERDICT_REFUSED && v.refused == NULL)
			v.refused = e;
	}
	return v;
}

static const char *reason(const struct fault *fault)
{
	return fault->text[0] ? fault->text : "it gave no reason";
}

/* Is it time for another line of its kind? Then it is noted as said now. */
static bool may_say(struct mono *said)
{
	struct mono now = mono_now();

	if (said->ns != 0 && now.ns - said->ns < (int64_t)LOG_PAUSE_S * NS_PER_S)
		return false;
	*said = now;
	return true;
}

/* A wrong mapping refuses every document: a line now and then says as much as one for each. */
static void say_refused(struct sender *s, const struct batch *b, const struct entry *e,
			const struct fault *fault)
{
	struct bytes why = e->reason_len > 0 ? batch_reason(b, e) : bytes_str(reason(fault));

	if (!may_say(&s->refused_said))
		return;
	log_error("output %s: refused for good: %" PRIu64 " documents; one of them, %.32s, "
		  "%" PRIu32 " bytes, because: %.*s",
		  s->output->name, s->refused_quiet, e->id, e->len,
		  (int)(why.len < REASON_SAID ? why.len : REASON_SAID), (const char *)why.at);
	s->refused_quiet = 0;
}

static void trouble_begins(struct sender *s, struct trouble *trouble, uint64_t documents)
{
	if (trouble->since.ns != 0)
		return;
	*trouble = (struct trouble){mono_now(), documents, may_say(&s->trouble_said)};
	atomic_store_explicit(&s->failing, true, memory_order_relaxed);
	if (!trouble->said)
		return;
	log_warning("output %s: %s; %" PRIu64 " documents wait and are tried again",
		    s->output->name, reason(&s->fault), documents);
}

static void trouble_ends(struct sender *s, const struct trouble *trouble, bool well)
{
	double seconds = (double)(mono_now().ns - trouble->since.ns) / NS_PER_S;

	atomic_store_explicit(&s->failing, false, memory_order_relaxed);
	if (!trouble->said)
		return;
	if (well)
		log_info("output %s: works again after %.1f s; %" PRIu64 " documents had waited",
			 s->output->name, seconds, trouble->documents);
	else if (s->returns)
		log_info("output %s: still in trouble after %.1f s; %" PRIu64
			 " documents stay in the queue",
			 s->output->name, seconds, trouble->documents);
	else
		log_error("output %s: given up after %.1f s", s->output->name, seconds);
}

static bool settle(struct sender *s, const struct batch *b, const struct fault *refusal)
{
	struct verdicts v = verdicts_count(b);
	uint64_t open = v.of[VERDICT_NONE] + v.of[VERDICT_AGAIN] + v.of[VERDICT_GONE];

	if (v.of[VERDICT_GONE] > 0)
		atomic_store(&s->gone, true);
	if (open > 0 && s->returns)
		return false;
	tally_add(&s->delivered, v.of[VERDICT_DELIVERED]);
	tally_add(&s->bytes, v.bytes);
	tally_add(&s->refused, v.of[VERDICT_REFUSED]);
	tally_add(&s->abandoned, open);
	if (v.of[VERDICT_REFUSED] > 0) {
		s->refused_quiet += v.of[VERDICT_REFUSED];
		say_refused(s, b, v.refused, refusal);
	}
	return open == 0;
}

/* Sends until nothing is to be sent again. False: given up. */
static bool try_all(struct sender *s, struct batch *b, struct fault *refusal)
{
	struct trouble trouble = {0};
	uint64_t refused = 0, settled = 0;

	for (;;) {
		struct fault fault = {0};

		b->hold = 0;
		s->output->send(s->self, b, &fault);
		struct verdicts v = verdicts_count(b);

		must(v.of[VERDICT_NONE] == 0);
		if (v.of[VERDICT_REFUSED] > refused)
			*refusal = fault;
		refused = v.of[VERDICT_REFUSED];
		if (v.of[VERDICT_AGAIN] == 0 || v.of[VERDICT_GONE] > 0)
			break;
		s->fault = fault;
		trouble_begins(s, &trouble, v.of[VERDICT_AGAIN]);
		/* Waits grow while nothing gets through. */
		if (v.of[VERDICT_DELIVERED] + v.of[VERDICT_REFUSED] > settled)
			backoff_reset(&s->backoff);
		settled = v.of[VERDICT_DELIVERED] + v.of[VERDICT_REFUSED];
		nsec wait = backoff_next(&s->backoff);

		if (!s->pause(s->pause_self, wait > b->hold ? wait : b->hold)) {
			trouble_ends(s, &trouble, false);
			return false;
		}
		tally_add(&s->retries, 1);
	}
	backoff_reset(&s->backoff);
	trouble_ends(s, &trouble, true);
	return true;
}

/* Refused documents are on disk before they count as settled. Given up, they are not settled. */
static void keep_refused(struct sender *s, struct batch *b)
{
	struct trouble trouble = {0};
	uint64_t refused = verdicts_count(b).of[VERDICT_REFUSED];
	bool kept = false, go_on = true;

	if (refused == 0 || s->dead == NULL)
		return;
	while (go_on && !(kept = dead_letters_add(s->dead, b, &s->fault))) {
		trouble_begins(s, &trouble, refused);
		go_on = s->pause(s->pause_self, backoff_next(&s->backoff));
	}
	backoff_reset(&s->backoff);
	trouble_ends(s, &trouble, kept);
	for (size_t i = 0; i < b->count && !kept; i++)
		if (b->entries[i].verdict == VERDICT_REFUSED)
			b->entries[i].verdict = VERDICT_AGAIN;
}

bool sender_send(struct sender *s, struct batch *b)
{
	struct fault refusal = {0};

	/* A batch that goes back to the queue is sent again as a whole: its refusals come again. */
	if (try_all(s, b, &refusal) || !s->returns)
		keep_refused(s, b);
	return settle(s, b, &refusal);
}

void sender_abandon(struct sender *s, struct batch *b)
{
	if (!s->returns)
		tally_add(&s->abandoned, b->count);
}

void sender_end(struct sender *s)
{
	if (s->refused_quiet > 0)
		log_error("output %s: refused for good: %" PRIu64 " documents more",
			  s->output->name, s->refused_quiet);
	s->refused_quiet = 0;
}
