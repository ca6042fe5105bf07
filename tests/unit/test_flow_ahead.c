/* What the next packet will need is told at a glance. */
#include <criterion/criterion.h>

#include "flow_stage.h"

/* A frame of which only the front is there, with these ends. */
static struct glance glance_of(const struct packet *p, uint8_t frame[38])
{
	struct glance g;

	memset(frame, 0, 38);
	memcpy(frame + 12, "\x08\x00\x45", 3);
	frame[23] = p->transport;
	memcpy(frame + 26, p->src.at, 4);
	memcpy(frame + 30, p->dst.at, 4);
	frame[34] = (uint8_t)(p->src_port >> 8);
	frame[35] = (uint8_t)p->src_port;
	frame[36] = (uint8_t)(p->dst_port >> 8);
	frame[37] = (uint8_t)p->dst_port;
	cr_assert(glance(1, bytes_of(frame, 38), &g));
	return g;
}

static const void *foreseen(struct stage *g, const struct packet *p)
{
	uint8_t frame[38];
	struct glance next = glance_of(p, frame);

	flow_look_ahead(g->table, &next);
	flow_fetch_ahead(g->table);
	return flow_user_ahead(g->table);
}

Test(flow_ahead, the_next_packets_flow_is_known_at_a_glance)
{
	struct stage *g = stage_new();
	struct packet ask = stage_packet(g, CLIENT, "", 0), answer = stage_packet(g, SERVER, "", 0);
	struct packet other = ask;

	ask.transport = answer.transport = other.transport = TRANSPORT_TCP;
	other.src_port++;
	cr_assert_null(foreseen(g, &ask), "there is none yet");
	stage_handshake(g);
	cr_assert_null(foreseen(g, &ask), "it has no user yet");
	C(PSH_, 101, 501, "GET");
	cr_assert_eq(foreseen(g, &ask), g);
	cr_assert_eq(foreseen(g, &answer), g);
	cr_assert_null(foreseen(g, &other));
	other = ask;
	other.transport = TRANSPORT_UDP;
	cr_assert_null(foreseen(g, &other));
	flow_look_ahead(g->table, NULL);
	flow_fetch_ahead(g->table);
	cr_assert_null(flow_user_ahead(g->table));
	finish(g);
}

Test(flow_ahead, what_was_foreseen_may_be_gone)
{
	struct stage *g = stage_new();
	struct packet ask = stage_packet(g, CLIENT, "", 0);

	ask.transport = TRANSPORT_TCP;
	stage_handshake(g);
	C(PSH_, 101, 501, "GET");
	cr_assert_eq(foreseen(g, &ask), g);
	cr_assert(flow_evict(g->table));
	cr_assert_null(flow_user_ahead(g->table));
	finish(g);
}

/* What has to be decoded to be known is not guessed at. */
Test(flow_ahead, no_glance_at_what_is_not_plain)
{
	struct packet p = {.transport = TRANSPORT_TCP};
	static const struct {
		size_t at;
		uint8_t byte;
		const char *what;
	} others[] = {{12, 0x86, "another protocol"}, {13, 6, "ARP"},
		      {14, 0x46, "options"},	      {14, 0x65, "another version"},
		      {20, 0x20, "more fragments"},   {21, 1, "a later fragment"}};
	uint8_t frame[38];
	struct glance g;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		glance_of(&p, frame);
		frame[others[i].at] = others[i].byte;
		cr_assert_not(glance(1, bytes_of(frame, 38), &g), "%s", others[i].what);
	}
	glance_of(&p, frame);
	frame[20] = 0x40; /* not to be divided: it is whole */
	cr_assert(glance(1, bytes_of(frame, 38), &g));
	cr_assert_not(glance(1, bytes_of(frame, 37), &g), "cut");
	cr_assert_not(glance(113, bytes_of(frame, 38), &g), "not Ethernet");
	cr_assert_not(glance(1, NO_BYTES, &g));
}
