/*
 * A BPF expression applied to frames of any link type: compiled once for each that turns up.
 *
 * Source   pcap-filter(7)
 * Owns     the compiled programs
 * Borrows  the expression
 * Errors   faults quote the expression and say what libpcap says
 */
#ifndef WIRESPAN_CAPTURE_SIEVE_H
#define WIRESPAN_CAPTURE_SIEVE_H

#include "shipper/capture/source.h"

struct sieve {
	const char *text; /* "" lets everything pass */
	struct sieve_program *programs;
	size_t count;
};

enum sieve_verdict { SIEVE_PASS, SIEVE_STOP, SIEVE_FAILED };

/* False when the expression is wrong whatever the link type. */
bool sieve_open(struct sieve *s, const char *text, struct fault *fault);
void sieve_close(struct sieve *s);
enum sieve_verdict sieve_run(struct sieve *s, const struct frame *frame, struct fault *fault);

/* FAILED: the expression has no meaning for this link type. */
static inline enum sieve_verdict sieve_frame(struct sieve *s, const struct frame *frame,
					     struct fault *fault)
{
	return s->text[0] == '\0' ? SIEVE_PASS : sieve_run(s, frame, fault);
}

#endif
