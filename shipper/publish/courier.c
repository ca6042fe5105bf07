#include "shipper/publish/courier.h"

#include <stdlib.h>
#include <string.h>

#include "shipper/base/log.h"
#include "shipper/base/must.h"
#include "shipper/guard/guard.h"

static void reopen_output(struct courier *c)
{
	const struct output *output = c->sender.output;
	void *next = atomic_load(&c->next);
	struct fault fault = {0};

	if (next != NULL) {
		output->close(c->sender.self);
		free(c->sender.self);
		c->sender.self = next;
		atomic_store(&c->next, NULL);
	}
	if (!atomic_exchange(&c->reopen, false) || next != NULL || output->reopen == NULL)
		return;
	output->reopen(c->sender.self, &fault);
	if (fault.text[0])
		log_error("output %s: %s", output->name, fault.text);
}

/* The sender's wait: ends early for a reopen, which may be the cure, and when closing begins. What
 * can stay in the queue is not waited for then: one more try is all it gets. */
static bool courier_pause(void *self, nsec wait)
{
	struct courier *c = self;
	int64_t end = mono_now().ns + wait;
	bool go_on = true;

	for (;;) {
		bell_listen(&c->nap);
		bool closing = atomic_load(&c->closing->begun);
		int64_t now = mono_now().ns;

		if (closing && end > atomic_load(&c->closing->give_up))
			end = atomic_load(&c->closing->give_up);
		go_on = !closing || (now < atomic_load(&c->closing->give_up) &&
				     !(c->hurried && c->sender.returns));
		if (!go_on || now >= end || atomic_load(&c->reopen) || (closing && !c->hurried))
			break;
		bell_wait(&c->nap, end - now);
	}
	bell_ignore(&c->nap);
	c->hurried = atomic_load(&c->closing->begun);
	reopen_output(c);
	return go_on;
}

static void carry(struct courier *c, struct batch *b)
{
	bool late = atomic_load(&c->closing->begun) &&
		    mono_now().ns >= atomic_load(&c->closing->give_up);
	bool settled = false;

	b->deadline = &c->closing->give_up;
	if (late || atomic_load(&c->sender.gone))
		sender_abandon(&c->sender, b);
	else
		settled = sender_send(&c->sender, b);
	if (atomic_load(&c->sender.gone) && c->stop != NULL)
		__atomic_store_n(c->stop, 1, __ATOMIC_RELAXED);
	c->supply.done(c->supply.self, c->which, b, settled);
}

static void *courier_run(void *self)
{
	struct courier *c = self;

	guard_enter(GUARD_COURIER);
	for (;;) {
		bool closing = atomic_load(&c->closing->begun);
		struct batch *b = c->supply.take(c->supply.self, c->which);

		if (b != NULL)
			carry(c, b);
		else if (closing)
			break;
		reopen_output(c);
	}
	reopen_output(c); /* what a change has brought is closed, too */
	sender_end(&c->sender);
	if (c->sender.output->finish != NULL)
		c->sender.output->finish(c->sender.self, &c->last);
	c->sender.output->close(c->sender.self);
	atomic_store(&c->done, true);
	bell_ring(c->closing->ended);
	return NULL;
}

bool courier_open(struct courier *c, const struct output *output, const void *conf,
		  struct backoff backoff, struct fault *fault)
{
	c->sender = (struct sender){
		.output = output,
		.self = must_alloc(output->self_size),
		.pause = courier_pause,
		.pause_self = c,
		.backoff = backoff,
	};
	bell_init(&c->nap);
	if (output->open(c->sender.self, conf, fault))
		return true;
	atomic_store(&c->done, true);
	courier_fini(c);
	return false;
}

/* Signals are the main thread's: none may end a write early, or the program by SIGPIPE. */
bool courier_start(struct courier *c, struct fault *fault)
{
	sigset_t all, before;

	must(sigfillset(&all) == 0);
	must(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
	int error = pthread_create(&c->thread, NULL, courier_run, c);

	must(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (error != 0)
		return fault_set(fault, "cannot start a thread for the output: %s",
				 strerror(error));
	return true;
}

void courier_fini(struct courier *c)
{
	if (!atomic_load(&c->done))
		c->sender.output->close(c->sender.self);
	free(c->sender.self);
	c->sender.self = NULL;
	bell_fini(&c->nap);
}

void courier_reopen(struct courier *c)
{
	atomic_store(&c->reopen, true);
	bell_ring(&c->nap);
}

void courier_change(struct courier *c, void *self)
{
	atomic_store(&c->next, self);
	courier_reopen(c);
}

bool courier_changing(const struct courier *c)
{
	return atomic_load(&c->next) != NULL && !atomic_load(&c->done);
}

void courier_hurry(struct courier *c)
{
	bell_ring(&c->nap);
}

bool courier_reopening(const struct courier *c)
{
	return atomic_load(&c->reopen);
}
