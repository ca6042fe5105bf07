#include "shipper/cmd/service.h"

#include "shipper/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
	STATUS_SECONDS = 5,
	LATE_SECONDS = 5, /* without a round, after which a worker is spoken of */
	END_SECONDS = 10, /* what the end may take beside what the output is given */
};

/* ---- The pid file ---- */

static bool pid_file_failed(struct service *s, const char *what, struct fault *fault)
{
	int error = errno;

	close(s->pid_file);
	s->pid_file = -1;
	return fault_set(fault, "pid file %s: %s: %s", s->pid_path, what, strerror(error));
}

/* It is locked as long as the process lives, so what a killed one left is no obstacle. */
static bool pid_file_open(struct service *s, struct fault *fault)
{
	char text[32] = "";
	int len;

	s->pid_file = open(s->pid_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (s->pid_file < 0)
		return fault_set(fault, "pid file %s: %s", s->pid_path, strerror(errno));
	if (flock(s->pid_file, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK || read(s->pid_file, text, sizeof(text) - 1) < 0)
			return pid_file_failed(s, "cannot be locked", fault);
		close(s->pid_file);
		s->pid_file = -1;
		return fault_set(fault, "pid file %s: process %d has it", s->pid_path, atoi(text));
	}
	len = snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(s->pid_file, 0) != 0 || write(s->pid_file, text, (size_t)len) != len)
		return pid_file_failed(s, "cannot be written", fault);
	return true;
}

/* Where the folder is not ours any more, an empty file says as much. */
static void pid_file_close(struct service *s)
{
	if (s->pid_file < 0)
		return;
	if (unlink(s->pid_path) != 0 && ftruncate(s->pid_file, 0) != 0)
		log_warning("pid file %s: %s", s->pid_path, strerror(errno));
	close(s->pid_file);
	s->pid_file = -1;
}

bool service_open(struct service *s, const char *pid_path, struct fault *fault)
{
	*s = (struct service){.pid_path = pid_path, .pid_file = -1};
	if (pid_path != NULL && !pid_file_open(s, fault))
		return false;
	notify_open(&s->notify);
	return true;
}

void service_close(struct service *s)
{
	notify_close(&s->notify);
	pid_file_close(s);
}

/* ---- What it is doing ---- */

static void tell_status(struct service *s, const struct crew *crew)
{
	double seconds = (double)(mono_now().ns - s->told.ns) / NS_PER_S;
	struct glimpse sum;
	char text[256];

	if (seconds < STATUS_SECONDS)
		return;
	crew_glimpse(crew, &sum);
	uint64_t packets = sum.counters.at[COUNT_FRAMES_RECEIVED];
	uint64_t documents = sum.counters.at[COUNT_DOCUMENTS_MADE];

	snprintf(text, sizeof(text),
		 "Watching: %.0f packets/s, %.1f documents/s; %" PRIu64
		 " packets lost since the start.",
		 (double)(packets - s->packets) / seconds,
		 (double)(documents - s->documents) / seconds,
		 sum.source.dropped_kernel + sum.source.dropped_interface);
	notify_status(&s->notify, text);
	s->told = mono_now();
	s->packets = packets;
	s->documents = documents;
}

void service_ready(struct service *s)
{
	s->told = mono_now();
	notify_ready(&s->notify, "Watching.");
}

void service_stopping(struct service *s, nsec limit)
{
	nsec more;

	notify_stopping(&s->notify);
	if (!__builtin_add_overflow(limit, (nsec)END_SECONDS * NS_PER_S, &more))
		notify_extend(&s->notify, more);
}

/* ---- Whether it moves ---- */

static const char *name_of(const struct member *member)
{
	return member->name != NULL ? member->name : "files";
}

/* Whether the worker has gone round since it was last asked, or has ended. */
static bool moves(struct service *s, const struct crew *crew, size_t i, struct mono now)
{
	uint64_t beat = worker_beat(crew->members[i].worker);
	double still = (double)(now.ns - s->moved[i].ns) / NS_PER_S;

	if (beat != s->beats[i] || beat == WORKER_ENDED || s->moved[i].ns == 0) {
		if (s->late[i] && s->moved[i].ns != 0)
			log_info("the worker of %s moves again, after %.0f s",
				 name_of(&crew->members[i]), still);
		s->late[i] = false;
		s->beats[i] = beat;
		s->moved[i] = now;
		return true;
	}
	if (still >= LATE_SECONDS && !s->late[i]) {
		s->late[i] = true;
		log_error("the worker of %s has not moved for %.0f s", name_of(&crew->members[i]),
			  still);
	}
	return false;
}

void service_tick(struct service *s, const struct crew *crew)
{
	struct mono now = mono_now();
	bool all = true;

	for (size_t i = 0; i < crew->places; i++)
		if (crew->members[i].worker != NULL)
			all = moves(s, crew, i, now) && all;
		else
			s->moved[i].ns = 0;
	if (all && s->notify.watchdog > 0)
		notify_alive(&s->notify);
	if (s->notify.socket >= 0)
		tell_status(s, crew);
}
