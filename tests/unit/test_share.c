/* Who of several workers gets a conversation, the mail between them, and which devices are watched.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#include "shipper/base/processors.h"
#include "shipper/capture/fanout.h"
#include "shipper/capture/lookout.h"
#include "shipper/decode/copies.h"
#include "shipper/decode/share.h"
#include "shipper/team.h"

enum { WORKERS = 4, CONVERSATIONS = 40000 };

static struct share plain(void)
{
	static const struct ports none;

	return (struct share){
		.count = WORKERS, .seed = 99, .vxlan = &none, .geneve = &none, .gtpu = &none};
}

static struct packet between(uint32_t client, uint16_t port, bool v6)
{
	struct packet p = {.version = v6 ? 6 : 4,
			   .transport = TRANSPORT_TCP,
			   .src_port = port,
			   .dst_port = 3306};

	memcpy(p.src.at + (v6 ? 12 : 0), &client, sizeof(client));
	p.dst.at[v6 ? 15 : 3] = 1;
	return p;
}

/* Many ports of one client, many clients of one port: each worker gets its part. */
Test(share, conversations_are_spread)
{
	struct share share = plain();

	for (int kind = 0; kind < 4; kind++) {
		unsigned got[WORKERS] = {0};

		for (uint32_t i = 0; i < CONVERSATIONS; i++) {
			struct packet p = kind % 2 == 0
						  ? between(7, (uint16_t)(20000 + i), kind >= 2)
						  : between(i, 40000, kind >= 2);

			got[share_of(&share, &p)]++;
		}
		for (int w = 0; w < WORKERS; w++) {
			cr_expect_gt(got[w], CONVERSATIONS / WORKERS * 9 / 10);
			cr_expect_lt(got[w], CONVERSATIONS / WORKERS * 11 / 10);
		}
	}
}

/* Nobody can tell beforehand where a conversation goes. */
Test(share, the_seed_decides)
{
	struct share share = plain(), other = plain();
	unsigned same = 0;

	other.seed = 100;
	for (uint32_t i = 0; i < CONVERSATIONS; i++) {
		struct packet p = between(i, 40000, false);

		same += share_of(&share, &p) == share_of(&other, &p);
	}
	cr_expect_gt(same, CONVERSATIONS / WORKERS * 9 / 10);
	cr_expect_lt(same, CONVERSATIONS / WORKERS * 11 / 10);
}

Test(share, datagrams_stay_with_the_first)
{
	struct share share = plain();

	for (uint32_t i = 0; i < 100; i++) {
		struct packet p = between(i, 40000, false);

		p.transport = TRANSPORT_UDP;
		cr_expect_eq(share_of(&share, &p), SHARE_TOGETHER);
	}
}

/* ---- Mail ---- */

Test(team, mail_comes_in_order_and_whole)
{
	struct share share = plain();
	struct team *team = team_new(&share, false);
	uint8_t payload[3] = {0};
	struct packet p = {.payload = bytes_of(payload, sizeof(payload))};
	unsigned n = 0;

	cr_expect_not(team_has_mail(team, 2));
	for (uint8_t i = 0; i < 10; i++) {
		payload[1] = i;
		p.seq = i;
		cr_assert(team_post(team, 2, &p));
	}
	cr_expect(team_has_mail(team, 2));
	cr_expect_not(team_has_mail(team, 1));
	for (struct letter *letter = team_mail(team, 2); letter != NULL; n++) {
		struct letter *next = letter->next;

		cr_expect_eq(letter->packet.seq, n);
		cr_expect_eq(letter->packet.payload.len, sizeof(payload));
		cr_expect_eq(letter->packet.payload.at[1], n);
		free(letter);
		letter = next;
	}
	cr_expect_eq(n, 10);
	cr_expect_not(team_has_mail(team, 2));
	cr_expect_null(team_mail(team, 2));
	team_free(team);
}

Test(team, mail_has_a_limit)
{
	struct share share = plain();
	struct team *team = team_new(&share, false);
	uint8_t payload[1000] = {0};
	struct packet p = {.payload = bytes_of(payload, sizeof(payload))};
	size_t n = 0;

	while (team_post(team, 1, &p))
		n++;
	cr_expect_leq(n * (sizeof(struct letter) + sizeof(payload)), MAIL_BYTES_MAX);
	cr_expect_gt((n + 1) * (sizeof(struct letter) + sizeof(payload)), MAIL_BYTES_MAX);
	cr_expect(team_post(team, 0, &p), "others have room");
	team_free(team); /* with what nobody took */
}

enum { LETTERS = 20000, WRITERS = 3 };

static void *write_letters(void *self)
{
	struct team *team = self;
	struct packet p = {.payload = NO_BYTES};

	for (unsigned i = 0; i < LETTERS; i++) {
		p.seq = i;
		while (!team_post(team, 0, &p))
			;
	}
	team_leave(team);
	return NULL;
}

/* Whoever reads no more has posted before it said so. */
Test(team, nothing_is_lost_between_threads)
{
	struct share share = plain();
	struct team *team = team_new(&share, false);
	pthread_t threads[WRITERS];
	unsigned got = 0;
	bool reads = true;

	for (int i = 0; i < WRITERS; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, write_letters, team), 0);
	team_leave(team);
	while (reads) {
		reads = team_reads(team);
		for (struct letter *letter = team_mail(team, 0); letter != NULL; got++) {
			struct letter *next = letter->next;

			free(letter);
			letter = next;
		}
	}
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	cr_expect_eq(got, WRITERS * LETTERS);
	team_free(team);
}

/* ---- Copies ---- */

static bool seen_at(struct copies *copies, struct packet p, uint32_t device, nsec when)
{
	p.device = device;
	p.when = when;
	return copies_have(copies, &p);
}

Test(copies, the_second_device_shows_a_copy)
{
	struct copies *copies = copies_new();
	struct packet p = between(7, 40000, false), other;

	p.seq = 1000;
	cr_expect_not(seen_at(copies, p, 0x200, 5));
	cr_expect(seen_at(copies, p, 0x300, 6));
	cr_expect(seen_at(copies, p, 0x304, 7), "the way out of a bridge is one more");
	cr_expect_not(seen_at(copies, p, 0x200, 8), "sent again, the same way");
	cr_expect(seen_at(copies, p, 0x300, 9), "and its copy");
	cr_expect_not(seen_at(copies, p, 0x300, NS_PER_S), "much later it is no copy");
	other = p;
	other.seq = 1001;
	cr_expect_not(seen_at(copies, other, 0x300, NS_PER_S));
	other = p;
	other.vlans = 1;
	other.vlan[0] = 5;
	cr_expect_not(seen_at(copies, other, 0x400, NS_PER_S), "another conversation");
	copies_free(copies);
}

Test(copies, datagrams_are_told_apart_by_what_they_say)
{
	struct copies *copies = copies_new();
	struct packet p = between(7, 40000, true);

	p.transport = TRANSPORT_UDP;
	p.payload = BYTES("one");
	p.payload_bytes = 3;
	cr_expect_not(seen_at(copies, p, 0x200, 5));
	p.payload = BYTES("two");
	cr_expect_not(seen_at(copies, p, 0x300, 6));
	p.payload = BYTES("one");
	cr_expect(seen_at(copies, p, 0x300, 7));
	copies_free(copies);
}

/* ---- Devices ---- */

static bool wants(const char *names, const char *device)
{
	char text[256], *at[16], *rest = NULL;
	struct texts list = {at, 0};

	snprintf(text, sizeof(text), "%s", names);
	for (char *name = strtok_r(text, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
		at[list.count++] = name;
	return lookout_wants(&list, device);
}

Test(lookout, names_patterns_and_exclusions)
{
	cr_expect(wants("eth0", "eth0"));
	cr_expect_not(wants("eth0", "eth01"));
	cr_expect(wants("eth[01] veth*", "veth3f2a"));
	cr_expect_not(wants("eth[01] veth*", "eth2"));
	cr_expect_not(wants("* !docker* !lo", "docker0"));
	cr_expect_not(wants("!lo *", "lo"));
	cr_expect(wants("* !docker* !lo", "br0"));
	cr_expect(wants("any", "any"));
	cr_expect_not(wants("any !lo", "any"), "beside a ! each has its own");
	cr_expect(wants("any !lo", "eth0"));
	cr_expect_not(wants("any !lo", "lo"));
}

Test(lookout, what_makes_no_sense_is_refused)
{
	char *any[] = {(char[]){"any"}, (char[]){"eth0"}}, *none[] = {(char[]){"!lo"}};
	struct texts both = {any, 2}, only = {none, 1};
	struct lookout l;
	struct fault fault;

	cr_expect_not(lookout_open(&l, &both, &fault));
	cr_expect(strstr(fault.text, "any is all of them") != NULL);
	cr_expect_not(lookout_open(&l, &only, &fault));
	cr_expect(strstr(fault.text, "all names begin with !") != NULL);
}

Test(lookout, sees_loopback)
{
	char *all[] = {(char[]){"l*"}};
	struct texts names = {all, 1};
	struct sighting *seen = calloc(1, sizeof(*seen));
	struct lookout l;
	struct fault fault;

	cr_assert(lookout_open(&l, &names, &fault));
	lookout_look(&l, seen);
	cr_assert_geq(seen->count, 1);
	cr_expect_str_eq(seen->name[0], "lo");
	lookout_close(&l);
	free(seen);
}

/* ---- Processors ---- */

Test(processors, quota_of_a_group)
{
	cr_expect_eq(processors_quota("max 100000"), 0);
	cr_expect_eq(processors_quota("100000 100000"), 1);
	cr_expect_eq(processors_quota("150000 100000"), 2);
	cr_expect_eq(processors_quota("50000 100000"), 1);
	cr_expect_eq(processors_quota("800000 100000"), 8);
	cr_expect_eq(processors_quota(""), 0);
	cr_expect_geq(processors_granted(), 1);
}
