#include "shipper/guard/crash.h"

#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "shipper/base/must.h"
#include "shipper/base/time.h"
#include "shipper/guard/calls.h"
#include "shipper/guard/line.h"

enum {
	WORKERS_MAX = 128,
	FRAMES_MAX = 64,	  /* of the backtrace */
	STACK_BYTES = 64 << 10,	  /* what unwinding takes, several times */
	FILE_BYTES_MAX = 1 << 20, /* beyond, the file is put aside at the start */
	PACKET_BYTES_MAX = 1 << 16,
	BUILD_BYTES_MAX = 20,
	ROW_BYTES = 32,
	OTHERS_MS =
		10000, /* how long a second thread that crashes waits for the first one's report */
	OBJECTS_MAX = 64,
};

#define CRASH(member) offsetof(struct crash_conf, member)
const struct option crash_options[] = {
	{"file", OPTION_TEXT, CRASH(file), "", 0, 0, NULL, NULL,
	 "Where `run` leaves a report when it crashes: signal, thread, backtrace, each worker's "
	 "counters. Empty: on standard error, which is the journal for a service."},
	{"packet", OPTION_BOOL, CRASH(packet), "false", 0, 0, NULL, NULL,
	 "The report has the bytes of the packet in hand, too, with whatever passwords and "
	 "personal data are in it."},
	{0},
};

/* A part of the program in memory: addresses differ from start to start. */
struct object {
	uintptr_t from, to, base;
	char name[48];
};

/* All that the handler reads. */
static struct {
	bool watching, packets;
	int descriptor; /* of the report */
	char path[256]; /* "": standard error */
	struct mono begun;
	size_t objects;
	struct object object[OBJECTS_MAX];
	unsigned build_bytes;
	uint8_t build[BUILD_BYTES_MAX];
	const struct crash_worker *workers[WORKERS_MAX]; /* atomically */
	pid_t reporter; /* atomically: the thread that came first */
	unsigned step;
} crash = {.descriptor = STDERR_FILENO};

static _Thread_local const struct crash_worker *own_worker;
static pthread_key_t stack_key;

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
static const char *const signal_names[] = {"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT"};

/* ---- The report ---- */

struct cause {
	int signal;
	const siginfo_t *info;
	const ucontext_t *context;
};

static struct line line_new(void)
{
	struct line line = {.descriptor = crash.descriptor};

	line_text(&line, "wirespan: crash: ");
	return line;
}

static const char *signal_name(int signal)
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals[i] == signal)
			return signal_names[i];
	return "a signal";
}

static void put_cause(struct line *line, const struct cause *cause)
{
	line_text(line, "wirespan: crash: ");
	line_text(line, signal_name(cause->signal));
	line_text(line, " in thread ");
	line_text(line, calls_role_name(calls_role()));
	line_text(line, " (");
	line_number(line, (uint64_t)gettid());
	line_text(line, " of process ");
	line_number(line, (uint64_t)getpid());
	line_text(line, ")");
}

static void step_head(const struct cause *cause)
{
	struct line line = {.descriptor = crash.descriptor};
	struct line brief = {.descriptor = STDERR_FILENO};

	put_cause(&line, cause);
	/* Positive: the thread did it, and the address is what it could not reach. */
	if (cause->info->si_code > 0) {
		line_text(&line, ", code ");
		line_number(&line, (uint64_t)cause->info->si_code);
		line_text(&line, ", address 0x");
		line_hex(&line, (uintptr_t)cause->info->si_addr, 1);
	} else {
		line_text(&line, ", sent by process ");
		line_number(&line, (uint64_t)cause->info->si_pid);
	}
	line_end(&line);
	if (crash.path[0] == '\0')
		return;
	put_cause(&brief, cause);
	line_text(&brief, ", report in ");
	line_text(&brief, crash.path);
	line_end(&brief);
}

static void step_program(const struct cause *cause)
{
	struct line line = line_new();
	struct timespec now;

	(void)cause;
	clock_gettime(CLOCK_REALTIME, &now);
	line_text(&line, "version " WIRESPAN_VERSION ", build ");
	for (unsigned i = 0; i < crash.build_bytes; i++)
		line_hex(&line, crash.build[i], 2);
	line_text(&line, crash.build_bytes > 0 ? ", at " : "unknown, at ");
	line_number(&line, (uint64_t)now.tv_sec);
	line_text(&line, " seconds since 1970, ");
	line_number(&line, (uint64_t)(mono_now().ns - crash.begun.ns) / NS_PER_S);
	line_text(&line, " since its start");
	line_end(&line);
}

/* As addr2line takes it: within the file that it is from. */
static void put_place(struct line *line, uintptr_t address)
{
	for (size_t i = 0; i < crash.objects; i++) {
		const struct object *object = &crash.object[i];

		if (address < object->from || address >= object->to)
			continue;
		line_text(line, object->name);
		line_text(line, "+0x");
		line_hex(line, address - object->base, 1);
		return;
	}
	line_text(line, "0x");
	line_hex(line, address, 1);
}

static void step_registers(const struct cause *cause)
{
	struct line line = line_new();
	uintptr_t at = 0, stack = 0;

#if defined(__x86_64__)
	at = (uintptr_t)cause->context->uc_mcontext.gregs[REG_RIP];
	stack = (uintptr_t)cause->context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	at = cause->context->uc_mcontext.pc;
	stack = cause->context->uc_mcontext.sp;
#else
	(void)cause;
	return;
#endif
	line_text(&line, "at ");
	put_place(&line, at);
	line_text(&line, ", stack 0x");
	line_hex(&line, stack, 1);
	line_end(&line);
}

static void put_worker(struct line *line, size_t which)
{
	line_text(line, "worker ");
	line_number(line, which);
	line_text(line, crash.workers[which] == own_worker ? " (this one)" : "");
}

static void step_counters(const struct cause *cause)
{
	(void)cause;
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		const struct crash_worker *worker =
			__atomic_load_n(&crash.workers[i], __ATOMIC_ACQUIRE);

		for (size_t c = 0; worker != NULL && c < COUNTER_COUNT; c++) {
			uint64_t n = __atomic_load_n(&worker->counters->at[c], __ATOMIC_RELAXED);
			struct line line = line_new();

			if (n == 0)
				continue;
			put_worker(&line, i);
			line_text(&line, " ");
			line_text(&line, counter_infos[c].name);
			line_text(&line, " ");
			line_number(&line, n);
			line_end(&line);
		}
	}
}

static void step_backtrace(const struct cause *cause)
{
	void *at[FRAMES_MAX];
	int count = backtrace(at, FRAMES_MAX);

	(void)cause;
	for (int i = 0; i < count; i++) {
		struct line line = line_new();

		line_text(&line, "called from ");
		put_place(&line, (uintptr_t)at[i]);
		line_end(&line);
	}
}

static void write_packet(size_t which, const struct crash_worker *worker)
{
	struct bytes bytes = *worker->packet;
	struct line line = line_new();

	put_worker(&line, which);
	line_text(&line, ": packet of ");
	line_number(&line, bytes.len);
	line_text(&line, " bytes, link type ");
	line_number(&line, (uint64_t)*worker->link);
	line_end(&line);
	if (bytes.len > PACKET_BYTES_MAX)
		bytes.len = PACKET_BYTES_MAX;
	for (size_t at = 0; at < bytes.len; at += ROW_BYTES) {
		line = line_new();
		line_hex(&line, at, 6);
		for (size_t i = at; i < bytes.len && i < at + ROW_BYTES; i++) {
			line_text(&line, " ");
			line_hex(&line, bytes.at[i], 2);
		}
		line_end(&line);
	}
}

/* Of the worker that it happened to, or else of all: the watchdog's signal comes to the main
 * thread, and one of them is what hangs. */
static void step_packets(const struct cause *cause)
{
	(void)cause;
	for (size_t i = 0; crash.packets && i < WORKERS_MAX; i++) {
		const struct crash_worker *worker =
			__atomic_load_n(&crash.workers[i], __ATOMIC_ACQUIRE);

		if (worker != NULL && worker->packet->at != NULL &&
		    (own_worker == NULL || own_worker == worker))
			write_packet(i, worker);
	}
}

static void step_end(const struct cause *cause)
{
	struct line line = line_new();

	(void)cause;
	line_text(&line, "end of the report");
	line_end(&line);
}

static void (*const steps[])(const struct cause *) = {
	step_head,	step_program, step_registers, step_counters,
	step_backtrace, step_packets, step_end,
};

/* ---- The handler ---- */

/* Another thread is at it, and will end the process. */
static void wait_for_the_first(void)
{
	struct timespec pause = {.tv_nsec = NS_PER_MS};

	for (int ms = 0; ms < OTHERS_MS; ms++)
		nanosleep(&pause, NULL);
}

static void report(const struct cause *cause)
{
	pid_t nobody = 0, self = gettid();

	if (!__atomic_compare_exchange_n(&crash.reporter, &nobody, self, false, __ATOMIC_ACQ_REL,
					 __ATOMIC_ACQUIRE) &&
	    nobody != self) {
		wait_for_the_first();
		return;
	}
	/* The step that is under way was counted: one that crashes comes back here and goes on with
	 * the next. */
	while (crash.step < sizeof(steps) / sizeof(steps[0]))
		steps[crash.step++](cause);
}

static void handle(int signal, siginfo_t *info, void *context)
{
	struct cause cause = {signal, info, context};
	struct sigaction ordinary = {.sa_handler = SIG_DFL};

	report(&cause);
	sigaction(signal, &ordinary, NULL);
	/* On return, what a thread did happens again; what was sent is sent again. */
	if (info->si_code > 0)
		return;
	raise(signal);
	/* The first process of a container is spared its own signals. */
	_exit(128 + signal);
}

/* ---- Before that ---- */

static void take_build(const uint8_t *at, size_t size)
{
	const size_t head = sizeof(ElfW(Nhdr));

	while (size > head) {
		ElfW(Nhdr) note;
		size_t name, text;

		memcpy(&note, at, head);
		name = (note.n_namesz + 3u) & ~3u;
		text = (note.n_descsz + 3u) & ~3u;
		if (name > size - head || text > size - head - name)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(at + head, "GNU", 4) == 0 && note.n_descsz <= BUILD_BYTES_MAX) {
			memcpy(crash.build, at + head + name, note.n_descsz);
			crash.build_bytes = note.n_descsz;
			return;
		}
		at += head + name + text;
		size -= head + name + text;
	}
}

static int take_object(struct dl_phdr_info *info, size_t size, void *self)
{
	bool program = crash.objects == 0; /* it comes first, without a name */
	const char *slash = strrchr(info->dlpi_name, '/');
	struct object *object = &crash.object[crash.objects];

	(void)size;
	(void)self;
	if (crash.objects == OBJECTS_MAX)
		return 1;
	*object = (struct object){.from = UINTPTR_MAX, .base = info->dlpi_addr};
	snprintf(object->name, sizeof(object->name), "%s",
		 program	 ? "wirespan"
		 : slash != NULL ? slash + 1
				 : info->dlpi_name);
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t at = info->dlpi_addr + part->p_vaddr;

		if (part->p_type == PT_NOTE && program && crash.build_bytes == 0)
			take_build((const uint8_t *)at, part->p_memsz);
		if (part->p_type != PT_LOAD)
			continue;
		if (at < object->from)
			object->from = at;
		if (at + part->p_memsz > object->to)
			object->to = at + part->p_memsz;
	}
	crash.objects++;
	return 0;
}

static void stack_free(void *stack)
{
	stack_t none = {.ss_flags = SS_DISABLE};

	sigaltstack(&none, NULL);
	munmap(stack, STACK_BYTES);
}

void crash_stack(void)
{
	stack_t own = {.ss_size = STACK_BYTES};

	if (!crash.watching || pthread_getspecific(stack_key) != NULL)
		return;
	own.ss_sp = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	must(own.ss_sp != MAP_FAILED && sigaltstack(&own, NULL) == 0 &&
	     pthread_setspecific(stack_key, own.ss_sp) == 0);
}

void crash_watch(void)
{
	/* Nested, for a step that crashes. */
	struct sigaction action = {.sa_sigaction = handle,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	void *at[1];

#ifdef GUARD_LOOSE
	return; /* sanitizers have reports of their own */
#endif
	crash.begun = mono_now();
	dl_iterate_phdr(take_object, NULL);
	/* The first time it loads a library, which a handler must not. */
	(void)backtrace(at, 1);
	must(pthread_key_create(&stack_key, stack_free) == 0);
	crash.watching = true;
	crash_stack();
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		must(sigaction(signals[i], &action, NULL) == 0);
}

static bool put_aside(const char *path, struct fault *fault)
{
	char old[sizeof(crash.path) + 8];
	struct stat st;

	if (stat(path, &st) != 0 || st.st_size < FILE_BYTES_MAX)
		return true;
	snprintf(old, sizeof(old), "%s.old", path);
	return rename(path, old) == 0 ||
	       fault_set(fault, "crash.file: %s: %s", path, strerror(errno));
}

bool crash_open(const struct crash_conf *conf, struct fault *fault)
{
	int fd;

	crash.packets = conf->packet;
	if (conf->file[0] == '\0')
		return true;
	if (strlen(conf->file) >= sizeof(crash.path))
		return fault_set(fault, "crash.file: the name is too long");
	if (!put_aside(conf->file, fault))
		return false;
	fd = open(conf->file, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault_set(fault, "crash.file: %s: %s", conf->file, strerror(errno));
	snprintf(crash.path, sizeof(crash.path), "%s", conf->file);
	crash.descriptor = fd;
	return true;
}

/* ---- Workers ---- */

void crash_add(const struct crash_worker *worker)
{
	own_worker = worker;
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		const struct crash_worker *nobody = NULL;

		if (__atomic_compare_exchange_n(&crash.workers[i], &nobody, worker, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return;
	}
}

void crash_remove(const struct crash_worker *worker)
{
	own_worker = NULL;
	for (size_t i = 0; i < WORKERS_MAX; i++) {
		const struct crash_worker *own = worker;

		__atomic_compare_exchange_n(&crash.workers[i], &own, NULL, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_RELAXED);
	}
}
