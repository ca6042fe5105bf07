/*
 * SIP, told as stories of datagrams between hosts a, b, c and p (192.0.2.1 to .4), and what
 * documents come of them. Lines end with \n here and with CRLF on the way.
 */
#ifndef WIRESPAN_TESTS_SIP_STORY_H
#define WIRESPAN_TESTS_SIP_STORY_H

#include <criterion/criterion.h>

#include "protos/sip/sip.h"
#include "shipper/txn/conn.h"

extern const struct proto proto_sip;

enum { WAYS_MAX = 8, TEXT_MAX = 8192 };

struct way {
	struct endpoints ends;
	struct flow flow;
	struct conn *conn;
};

struct story {
	struct sip_conf conf;
	void *confs[1];
	struct engine_conf engine_conf;
	struct quota quota;
	struct counters counters;
	struct engine *engine;
	struct way ways[WAYS_MAX];
	int ways_count;
	struct buf out, ids; /* of the documents written */
	nsec now;
};

struct story *sip_begin(void);
/* Both after sip_begin; `end` also checks that nothing is left. */
char *sip_documents(struct story *s);
void sip_end(struct story *s);

struct way *sip_way_new(struct story *s, int a, int port_a, int b, int port_b);
void sip_raw(struct story *s, int a, int port_a, int b, int port_b, struct bytes text);
void sip_says(struct story *s, int a, int b, const char *text);
/* A usual message: start line, branch, CSeq, To tag. */
void sip_usual(struct story *s, int a, int b, const char *start, const char *branch,
	       const char *cseq, const char *to_tag, const char *more);
/* The usual INVITE with a session description. */
void sip_invite(struct story *s, int a, int b);
void sip_wait(struct story *s, int seconds);
size_t sip_crlf(const char *text, char to[TEXT_MAX]);
int sip_times(const char *text, const char *part);

#define HAS(text, part)	  cr_assert(strstr(text, part), "%s not in %s", part, text)
#define LACKS(text, part) cr_assert(!strstr(text, part), "%s in %s", part, text)

#endif
