#include "shipper/cmd/summary.h"

#include <inttypes.h>
#include <sys/resource.h>

void bytes_text(uint64_t bytes, char *to, size_t size)
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
	double amount = (double)bytes;
	size_t unit = 0;

	while (amount >= 999.95 && unit < 6) {
		amount /= 1000;
		unit++;
	}
	snprintf(to, size, unit == 0 ? "%.0f %s" : "%.1f %s", amount, units[unit]);
}

static void packets_print(const struct counters *sum, double seconds, FILE *to)
{
	uint64_t packets = sum->at[COUNT_FRAMES_RECEIVED], bytes = sum->at[COUNT_FRAMES_BYTES];
	char amount[32], rate[32];

	bytes_text(bytes, amount, sizeof(amount));
	bytes_text((uint64_t)((double)bytes / seconds), rate, sizeof(rate));
	fprintf(to, "packets        %" PRIu64 ", %s, in %.3f s: %.0f packets/s, %s/s\n", packets,
		amount, seconds, (double)packets / seconds, rate);
	fprintf(to, "flows          %" PRIu64 "\n", sum->at[COUNT_FLOWS_CREATED]);
}

static void exchanges_print(const struct glimpse *all, FILE *to)
{
	uint64_t in_all = 0;

	for (unsigned i = 0; protos[i] != NULL; i++) {
		const char *before = "";
		uint64_t n[STATUS_COUNT], sum = 0;

		for (unsigned s = 0; s < STATUS_COUNT; s++)
			sum += n[s] = all->exchanges[i][s];
		in_all += sum;
		if (sum == 0)
			continue;
		fprintf(to, "exchanges      %" PRIu64 " %s: ", sum, protos[i]->name);
		for (unsigned s = 0; s < STATUS_COUNT; s++)
			if (n[s] > 0) {
				fprintf(to, "%s%" PRIu64 " %s", before, n[s], status_words[s]);
				before = ", ";
			}
		fputc('\n', to);
	}
	if (in_all == 0)
		fputs("exchanges      0\n", to);
}

struct loss {
	const char *what;
	uint64_t n;
};

static void losses_print(const struct glimpse *all, const struct publish_stats *stats, FILE *to)
{
	const struct counters *sum = &all->counters;
	const char *before = "";
	struct loss losses[] = {
		{"packets dropped by the kernel", all->source.dropped_kernel},
		{"packets dropped by the device", all->source.dropped_interface},
		{"packets cut by the capture", sum->at[COUNT_FRAMES_CUT]},
		{"gaps in streams", sum->at[COUNT_STREAM_GAPS]},
		{"bytes in them", sum->at[COUNT_STREAM_GAP_BYTES]},
		{"conversations let go at a limit", sum->at[COUNT_FLOWS_EVICTED]},
		{"documents dropped", stats->dropped},
		{"documents lost by the queue", publish_lost(stats)},
		{"documents refused", stats->refused},
		{"documents not delivered", stats->abandoned},
	};

	fputs("losses         ", to);
	for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++)
		if (losses[i].n > 0) {
			fprintf(to, "%s%" PRIu64 " %s", before, losses[i].n, losses[i].what);
			before = ", ";
		}
	fputs(before[0] == '\0' ? "none\n" : "\n", to);
}

static void memory_print(const struct crew *crew, FILE *to)
{
	struct rusage usage;
	char whole[32], held[32];

	getrusage(RUSAGE_SELF, &usage);
	bytes_text((uint64_t)usage.ru_maxrss * 1024, whole, sizeof(whole));
	bytes_text(crew->past_memory, held, sizeof(held));
	fprintf(to, "memory         %s at most, of it %s for conversations\n", whole, held);
	fprintf(to, "processor      %.3f s user, %.3f s system\n",
		(double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
		(double)usage.ru_stime.tv_sec + (double)usage.ru_stime.tv_usec / 1e6);
}

static void counters_print(const struct counters *sum, FILE *to)
{
	for (int i = 0; i < COUNTER_COUNT; i++)
		if (sum->at[i] > 0)
			fprintf(to, "  %-26s %12" PRIu64 " %-10s %s\n", counter_infos[i].name,
				sum->at[i], counter_infos[i].unit, counter_infos[i].help);
}

void summary_print(const struct crew *crew, const struct publish_stats *stats, FILE *to)
{
	double seconds = (double)(mono_now().ns - crew->begun.ns) / NS_PER_S;
	struct glimpse sum;
	char amount[32];

	crew_glimpse(crew, &sum);
	packets_print(&sum.counters, seconds, to);
	exchanges_print(&sum, to);
	losses_print(&sum, stats, to);
	bytes_text(stats->bytes, amount, sizeof(amount));
	fprintf(to, "documents      %" PRIu64 " delivered, %s", stats->delivered, amount);
	if (stats->queued > 0)
		fprintf(to, "; %" PRIu64 " wait for the next start", stats->queued);
	fputc('\n', to);
	memory_print(crew, to);
	counters_print(&sum.counters, to);
}
