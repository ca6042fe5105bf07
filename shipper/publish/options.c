#include <stddef.h>

#include "shipper/publish/publisher.h"

static const char *const queue_types[] = {"auto", "spool", "memory", NULL};
static const char *const queue_full[] = {"drop_newest", "drop_oldest", NULL};
static const char *const queue_fsync[] = {"interval", "batch", "never", NULL};

const struct option publish_options[] = {
	{.name = "batch_size",
	 .type = OPTION_SIZE,
	 .offset = offsetof(struct publish_conf, batch_bytes),
	 .preset = "256KiB",
	 .min = 4096,
	 .max = 64 << 20,
	 .help = "Documents are handed to the output when so many bytes are together."},
	{.name = "batches",
	 .type = OPTION_INT,
	 .offset = offsetof(struct publish_conf, batches),
	 .preset = "64",
	 .min = 2,
	 .max = 1 << 16,
	 .help = "What may wait for the output, for each worker; when all are full, documents are "
		 "dropped and counted."},
	{.name = "flush_interval",
	 .type = OPTION_DURATION,
	 .offset = offsetof(struct publish_conf, flush_interval),
	 .preset = "1s",
	 .min = NS_PER_MS,
	 .max = (int64_t)3600 * NS_PER_S,
	 .help = "Documents are handed to the output when the oldest is of this age."},
	{.name = "retry_wait",
	 .type = OPTION_DURATION,
	 .offset = offsetof(struct publish_conf, retry_wait),
	 .preset = "1s",
	 .min = NS_PER_MS,
	 .max = (int64_t)3600 * NS_PER_S,
	 .help = "The longest wait after a first failure; it doubles with each further one. Waits "
		 "are random up to it."},
	{.name = "retry_wait_limit",
	 .type = OPTION_DURATION,
	 .offset = offsetof(struct publish_conf, retry_wait_limit),
	 .preset = "60s",
	 .min = NS_PER_MS,
	 .max = (int64_t)24 * 3600 * NS_PER_S,
	 .help = "It does not grow past this."},
	{.name = "shutdown_timeout",
	 .type = OPTION_DURATION,
	 .offset = offsetof(struct publish_conf, shutdown_timeout),
	 .preset = "10s",
	 .min = 0,
	 .max = (int64_t)3600 * NS_PER_S,
	 .help = "How long the output may take for what is left when the program is told to end. "
		 "What the spool holds then waits for the next start; the rest is lost, and "
		 "counted."},
	{.name = "type",
	 .type = OPTION_CHOICE,
	 .offset = offsetof(struct publish_conf, queue),
	 .preset = "auto",
	 .choices = queue_types,
	 .help = "Where documents wait for the output: on disk, where they survive a crash and "
		 "wait "
		 "as long as they have to, or in memory. auto is spool for an output over the "
		 "network, else memory. A replay uses memory, and waits."},
	{.name = "path",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct publish_conf, spool.path),
	 .preset = "/var/lib/wirespan/queue",
	 .help = "The spool's folder, for one process; made when it is not there."},
	{.name = "max_size",
	 .type = OPTION_SIZE,
	 .offset = offsetof(struct publish_conf, spool.max_bytes),
	 .preset = "10GiB",
	 .min = 16 << 20,
	 .max = INT64_C(1) << 50,
	 .help = "Of the spool, on disk."},
	{.name = "max_age",
	 .type = OPTION_DURATION,
	 .offset = offsetof(struct publish_conf, spool.max_age),
	 .preset = "0s",
	 .min = 0,
	 .max = (int64_t)366 * 24 * 3600 * NS_PER_S,
	 .help = "Documents that have waited longer in the spool are dropped and counted; 0 keeps "
		 "them."},
	{.name = "full",
	 .type = OPTION_CHOICE,
	 .offset = offsetof(struct publish_conf, spool.full),
	 .preset = "drop_newest",
	 .choices = queue_full,
	 .help = "Which documents are dropped and counted when the spool has reached max_size, or "
		 "the disk is full. The oldest go by the segment, up to a sixteenth of max_size."},
	{.name = "fsync",
	 .type = OPTION_CHOICE,
	 .offset = offsetof(struct publish_conf, spool.sync),
	 .preset = "interval",
	 .choices = queue_fsync,
	 .help = "When the spool is synced to disk: every fsync_interval; with each batch; or "
		 "never, "
		 "which leaves it to the kernel. A crash of the program loses nothing of it either "
		 "way, a power failure what was not synced."},
	{.name = "fsync_interval",
	 .type = OPTION_DURATION,
	 .offset = offsetof(struct publish_conf, spool.sync_interval),
	 .preset = "1s",
	 .min = 10 * NS_PER_MS,
	 .max = (int64_t)3600 * NS_PER_S,
	 .help = "Also how often it is written down how far the output came. What is not written "
		 "down when the program dies is sent again, under the same ids."},
	{.name = "dead_letters",
	 .type = OPTION_TEXT,
	 .offset = offsetof(struct publish_conf, dead_letters),
	 .preset = "",
	 .help = "The file for documents that the output refused for good, with the reason; "
		 "without a "
		 "name it is dead-letters.ndjson in path, for a replay "
		 "wirespan-dead-letters.ndjson "
		 "where it was called. Older ones are called NAME.1, NAME.2, and so on."},
	{.name = "dead_letters_size",
	 .type = OPTION_SIZE,
	 .offset = offsetof(struct publish_conf, dead_letters_size),
	 .preset = "64MiB",
	 .min = 4096,
	 .max = INT64_C(1) << 40,
	 .help = "A file that reaches this is put aside and a new one begun."},
	{.name = "dead_letters_files",
	 .type = OPTION_INT,
	 .offset = offsetof(struct publish_conf, dead_letters_files),
	 .preset = "8",
	 .min = 1,
	 .max = 1024,
	 .help = "How many are kept, the one being written included; the oldest goes, and the log "
		 "says so."},
	{0},
};
