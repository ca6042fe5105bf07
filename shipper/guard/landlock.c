#include "shipper/guard/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of some systems that this is built on. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

enum { VERSION_REFER = 2, VERSION_TRUNCATE = 3 };

#define ON_FILES                                                     \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE | \
	 LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITES                                                                 \
	(READS | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE | \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |        \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK)
#define ALL_FIRST ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* What this kernel can refuse, which is all that is refused where no rule allows it. */
static uint64_t handled(int version)
{
	uint64_t all = ALL_FIRST;

	if (version >= VERSION_REFER)
		all |= LANDLOCK_ACCESS_FS_REFER;
	if (version >= VERSION_TRUNCATE)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	return all;
}

bool landlock_open(struct landlock *l, struct fault *fault)
{
	struct landlock_ruleset_attr rules = {0};
	long version =
		syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	*l = (struct landlock){.rules = -1, .version = version > 0 ? (int)version : 0};
	/* Not built in, not switched on, or kept away by a container's own filter. */
	if (version <= 0)
		return true;
	rules.handled_access_fs = handled(l->version);
	l->rules = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	return l->rules >= 0 || fault_set(fault, "Landlock takes no rules: %s", strerror(errno));
}

void landlock_close(struct landlock *l)
{
	if (l->rules >= 0)
		close(l->rules);
	l->rules = -1;
}

bool landlock_allow(const struct landlock *l, const char *path, enum landlock_right right,
		    struct fault *fault)
{
	static const uint64_t access[] = {
		[LANDLOCK_READ] = READS,
		[LANDLOCK_WRITE] = WRITES,
		[LANDLOCK_REMOVE] = LANDLOCK_ACCESS_FS_REMOVE_FILE,
	};
	struct landlock_path_beneath_attr rule = {.allowed_access = access[right]};
	struct stat st;

	if (l->rules < 0)
		return true;
	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return true;
	if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed_access &= ON_FILES;
	rule.allowed_access &= handled(l->version);
	long failed =
		syscall(SYS_landlock_add_rule, l->rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	int error = errno;

	close(rule.parent_fd);
	/* Pipes and sockets by way of /dev/stdout need no rule, and take none. */
	if (failed == 0 || error == EBADFD)
		return true;
	return fault_set(fault, "Landlock does not take a rule for %s: %s", path, strerror(error));
}

bool landlock_enter(const struct landlock *l, struct fault *fault)
{
	int fd;

	if (l->rules < 0)
		return true;
	if (syscall(SYS_landlock_restrict_self, l->rules, 0) != 0)
		return fault_set(fault, "Landlock does not take effect: %s", strerror(errno));
	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return true;
	close(fd);
	return fault_set(fault, "Landlock took effect, and yet the root folder can be read");
}
