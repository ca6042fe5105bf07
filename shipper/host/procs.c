#include "shipper/host/procs.h"
#include "shipper/base/must.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	INODES_FIRST = 1024, /* a power of two */
	INODES_MAX = 1 << 20,
	PASS_SHARE = 20, /* a pass may take one twentieth of the time */
	PASS_PAUSE_MS = 100,
};

struct inode {
	uint32_t inode; /* 0: free */
	int pid;
};

struct procs {
	struct inode *inodes; /* open addressing */
	size_t room, count;
	struct mono next_pass;
};

struct procs *procs_open(void)
{
	struct procs *p = must_alloc(sizeof(*p));

	p->room = INODES_FIRST;
	p->inodes = must_alloc(p->room * sizeof(p->inodes[0]));
	return p;
}

void procs_close(struct procs *p)
{
	if (p != NULL)
		free(p->inodes);
	free(p);
}

/* ---- Inodes ---- */

static struct inode *place_of(struct inode *inodes, size_t room, uint32_t inode)
{
	size_t i = (size_t)(inode * UINT32_C(2654435761)) & (room - 1);

	while (inodes[i].inode != 0 && inodes[i].inode != inode)
		i = (i + 1) & (room - 1);
	return &inodes[i];
}

int procs_pid(const struct procs *p, uint32_t inode)
{
	return inode ? place_of(p->inodes, p->room, inode)->pid : 0;
}

static void grow(struct procs *p)
{
	struct inode *more = must_alloc(2 * p->room * sizeof(*more));

	for (size_t i = 0; i < p->room; i++)
		if (p->inodes[i].inode)
			*place_of(more, 2 * p->room, p->inodes[i].inode) = p->inodes[i];
	free(p->inodes);
	p->inodes = more;
	p->room *= 2;
}

/* Of several that have it open the lowest pid stays: the one that was there first. */
static void inode_add(struct procs *p, uint32_t inode, int pid)
{
	if (2 * p->count >= p->room) {
		if (p->room >= INODES_MAX)
			return;
		grow(p);
	}
	struct inode *place = place_of(p->inodes, p->room, inode);

	if (place->inode == 0)
		p->count++;
	else if (place->pid <= pid)
		return;
	*place = (struct inode){inode, pid};
}

static bool number_of(const char *name, int64_t *n)
{
	return bytes_int(bytes_str(name), 1, UINT32_MAX, n);
}

/* "socket:[12345]" */
static uint32_t socket_inode(int folder, const char *name)
{
	char link[64];
	ssize_t n = readlinkat(folder, name, link, sizeof(link));
	struct bytes b = n > 0 ? bytes_of(link, (size_t)n) : NO_BYTES;
	struct bytes front = BYTES("socket:[");
	int64_t inode = 0;

	if (!bytes_starts(b, front) || b.at[b.len - 1] != ']')
		return 0;
	b = bytes_skip(b, front.len);
	bytes_int(bytes_head(b, b.len - 1), 1, UINT32_MAX, &inode);
	return (uint32_t)inode;
}

static void read_process(struct procs *p, int proc, int pid)
{
	char path[64];
	struct dirent *entry;

	snprintf(path, sizeof(path), "%d/fd", pid);
	int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

	if (folder == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(folder))) {
		uint32_t inode = isdigit((unsigned char)entry->d_name[0])
					 ? socket_inode(fd, entry->d_name)
					 : 0;

		if (inode)
			inode_add(p, inode, pid);
	}
	closedir(folder);
}

void procs_pass(struct procs *p, nsec *wait)
{
	struct mono begun = mono_now();
	struct dirent *entry;
	int64_t pid;

	*wait = p->next_pass.ns > begun.ns ? p->next_pass.ns - begun.ns : 0;
	if (*wait > 0)
		return;
	DIR *proc = opendir("/proc");

	if (proc == NULL)
		return;
	memset(p->inodes, 0, p->room * sizeof(p->inodes[0]));
	p->count = 0;
	while ((entry = readdir(proc)))
		if (number_of(entry->d_name, &pid))
			read_process(p, dirfd(proc), (int)pid);
	closedir(proc);
	struct mono ended = mono_now();

	p->next_pass.ns =
		ended.ns + PASS_SHARE * (ended.ns - begun.ns) + (nsec)PASS_PAUSE_MS * NS_PER_MS;
}

/* ---- Processes ---- */

static bool container_digit(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

bool container_of(struct bytes line, char id[CONTAINER_ID_LEN + 1])
{
	size_t run = 0;

	for (size_t i = 0; i <= line.len; i++) {
		if (i < line.len && container_digit(line.at[i])) {
			run++;
			continue;
		}
		if (run == CONTAINER_ID_LEN) {
			memcpy(id, line.at + i - run, run);
			id[run] = '\0';
			return true;
		}
		run = 0;
	}
	return false;
}

static size_t read_file(int pid, const char *name, char *to, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t n = read(fd, to, size - 1);

	close(fd);
	to[n > 0 ? n : 0] = '\0';
	return n > 0 ? (size_t)n : 0;
}

bool procs_tell(int pid, struct process *process)
{
	char text[4096], path[64];
	size_t n;

	*process = (struct process){.pid = pid};
	n = read_file(pid, "comm", process->name, sizeof(process->name));
	if (n == 0)
		return false;
	if (process->name[n - 1] == '\n')
		process->name[n - 1] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	ssize_t len = readlink(path, process->executable, sizeof(process->executable) - 1);

	process->executable[len > 0 ? len : 0] = '\0';
	n = read_file(pid, "cgroup", text, sizeof(text));
	container_of(bytes_of(text, n), process->container);
	return true;
}
