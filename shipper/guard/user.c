#include "shipper/guard/user.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shipper/base/bytes.h"

/* ---- Who ---- */

static bool no_user(const struct guard_conf *conf, struct fault *fault)
{
	return fault_set(fault,
			 "there is no user %s to go on as once devices are open: make it (useradd "
			 "--system --shell /usr/sbin/nologin %s), name another one (--user, "
			 "privileges.user), or stay root with --allow-root",
			 conf->user, conf->user);
}

static bool find_user(const struct guard_conf *conf, struct guard_user *user, struct fault *fault)
{
	const struct passwd *entry = getpwnam(conf->user);
	int64_t number;

	if (entry == NULL && bytes_int(bytes_str(conf->user), 0, INT_MAX, &number)) {
		user->uid = (uid_t)number;
		user->gid = (gid_t)number;
		entry = getpwuid(user->uid);
	}
	if (entry != NULL) {
		user->uid = entry->pw_uid;
		user->gid = entry->pw_gid;
	} else if (user->uid == 0) {
		return no_user(conf, fault);
	}
	snprintf(user->name, sizeof(user->name), "%s", entry ? entry->pw_name : conf->user);
	return true;
}

static bool find_group(const struct guard_conf *conf, struct guard_user *user, struct fault *fault)
{
	const struct group *entry = getgrnam(conf->group);
	int64_t number;

	if (entry != NULL)
		user->gid = entry->gr_gid;
	else if (bytes_int(bytes_str(conf->group), 0, INT_MAX, &number))
		user->gid = (gid_t)number;
	else
		return fault_set(fault, "there is no group %s (privileges.group)", conf->group);
	return true;
}

bool guard_user(const struct guard_conf *conf, struct guard_user *user, struct fault *fault)
{
	*user = (struct guard_user){.uid = 0};
	if (geteuid() != 0 || conf->allow_root) {
		const struct passwd *entry = getpwuid(geteuid());

		user->uid = geteuid();
		user->gid = getegid();
		snprintf(user->name, sizeof(user->name), "%s", entry ? entry->pw_name : "");
		return true;
	}
	if (conf->user[0] == '\0')
		return fault_set(fault, "no user to go on as (--user, privileges.user); "
					"--allow-root stays root");
	if (!find_user(conf, user, fault) ||
	    (conf->group[0] != '\0' && !find_group(conf, user, fault)))
		return false;
	if (user->uid == 0 || user->gid == 0)
		return fault_set(fault, "%s is root; who wants that says --allow-root",
				 user->uid == 0 ? conf->user : "the group");
	user->changes = true;
	return true;
}

/* ---- Capabilities ---- */

enum { KEPT_MAX = 8 };

/* Of these, those that the thread has. */
static size_t had(const int *wanted, size_t count, int *to)
{
	size_t n = 0;

	capng_get_caps_process();
	for (size_t i = 0; i < count && n < KEPT_MAX; i++)
		if (capng_have_capability(CAPNG_PERMITTED, (unsigned)wanted[i]) == 1)
			to[n++] = wanted[i];
	return n;
}

bool guard_raise(struct fault *fault)
{
	bool raises = false;

	capng_get_caps_process();
	for (unsigned c = 0; c <= CAP_LAST_CAP; c++) {
		if (capng_have_capability(CAPNG_PERMITTED, c) != 1 ||
		    capng_have_capability(CAPNG_EFFECTIVE, c) == 1)
			continue;
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, c);
		raises = true;
	}
	if (!raises || capng_apply(CAPNG_SELECT_CAPS) == 0)
		return true;
	return fault_set(fault, "capabilities cannot be put in effect: %s", strerror(errno));
}

static void choose(const int *kept, size_t count)
{
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < count; i++)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, (unsigned)kept[i]);
}

/* What the kernel says, against what it was told. */
static bool hold(const int *kept, size_t count, struct fault *fault)
{
	capng_get_caps_process();
	for (unsigned c = 0; c <= CAP_LAST_CAP; c++) {
		int want = 0;

		for (size_t i = 0; i < count; i++)
			want |= kept[i] == (int)c;
		if (capng_have_capability(CAPNG_EFFECTIVE, c) != want ||
		    capng_have_capability(CAPNG_PERMITTED, c) != want ||
		    capng_have_capability(CAPNG_INHERITABLE, c) != 0)
			return fault_set(fault, "capability %s is %s", capng_capability_to_name(c),
					 want ? "lost" : "kept where it was given up");
	}
	return true;
}

bool user_keep(const int *wanted, size_t count, struct fault *fault)
{
	int kept[KEPT_MAX];
	size_t n = had(wanted, count, kept);

	choose(kept, n);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return fault_set(fault, "capabilities cannot be given up: %s", strerror(errno));
	return hold(kept, n, fault);
}

/* ---- Becoming that user ---- */

static bool is_back(const struct guard_user *user)
{
	uid_t uid[3];
	gid_t gid[3];

	if (getresuid(&uid[0], &uid[1], &uid[2]) != 0 || getresgid(&gid[0], &gid[1], &gid[2]) != 0)
		return true;
	for (int i = 0; i < 3; i++)
		if (uid[i] != user->uid || gid[i] != user->gid)
			return true;
	return setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setegid(0) == 0;
}

static bool in_roots_group(void)
{
	gid_t all[NGROUPS_MAX];
	int n = getgroups(NGROUPS_MAX, all);

	for (int i = 0; i < n; i++)
		if (all[i] == 0)
			return true;
	return n < 0;
}

bool user_become(const struct guard_user *user, const int *wanted, size_t count,
		 struct fault *fault)
{
	int kept[KEPT_MAX];
	size_t n = had(wanted, count, kept);
	bool bounds = capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP) == 1;
	int flags = getpwuid(user->uid) != NULL ? CAPNG_INIT_SUPP_GRP : CAPNG_DROP_SUPP_GRP;
	int failed;

	if (!user->changes)
		return user_keep(wanted, count, fault);
	flags |= bounds ? CAPNG_CLEAR_BOUNDING | CAPNG_CLEAR_AMBIENT : 0;
	choose(kept, n);
	errno = 0;
	failed = capng_change_id((int)user->uid, (int)user->gid, (capng_flags_t)flags);
	if (failed != 0)
		return fault_set(fault,
				 "cannot go on as user %s: %s (step %d of capng_change_id). In a "
				 "container or user namespace that user and CAP_SETUID, CAP_SETGID "
				 "have to be there; --allow-root does without",
				 user->name, strerror(errno), -failed);
	if (is_back(user) || in_roots_group())
		return fault_set(fault, "went on as user %s, and yet is still root", user->name);
	return hold(kept, n, fault);
}

/* ---- Where it writes ---- */

static bool give(int fd, const struct guard_user *user)
{
	return !user->changes || fchown(fd, user->uid, user->gid) == 0;
}

/* Only what was made here is given away: a link that somebody laid is never followed. */
static bool make_folder(const char *path, mode_t mode, const struct guard_user *user,
			struct fault *fault)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	for (size_t i = 1; i <= len && len < sizeof(part); i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, mode) != 0) {
			if (errno == EEXIST || errno == EISDIR)
				continue;
			return fault_set(fault, "cannot make the folder %s: %s", part,
					 strerror(errno));
		}
		int fd = open(part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		bool well = fd >= 0 && give(fd, user);
		int error = errno;

		if (fd >= 0)
			close(fd);
		if (!well)
			return fault_set(fault, "cannot give the folder %s to user %s: %s", part,
					 user->name, strerror(error));
	}
	return true;
}

static bool make_file(const struct guard_place *place, const struct guard_user *user,
		      struct fault *fault)
{
	int fd = open(place->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      place->mode);

	if (fd < 0)
		return errno == EEXIST ||
		       fault_set(fault, "cannot make %s: %s", place->path, strerror(errno));
	bool well = give(fd, user);
	int error = errno;

	close(fd);
	return well || fault_set(fault, "cannot give %s to user %s: %s", place->path, user->name,
				 strerror(error));
}

bool user_make(const struct guard_user *user, const struct guard_places *places,
	       struct fault *fault)
{
	for (size_t i = 0; i < places->count; i++) {
		const struct guard_place *place = &places->at[i];

		if (place->kind == PLACE_FOLDER &&
		    !make_folder(place->path, place->mode, user, fault))
			return false;
		if (place->kind == PLACE_FILE && !make_file(place, user, fault))
			return false;
		if (place->kind == PLACE_OFFER)
			(void)make_folder(place->path, place->mode, user, fault);
	}
	return true;
}

bool user_may_write(const struct guard_user *user, const struct guard_places *places,
		    struct fault *fault)
{
	for (size_t i = 0; user->changes && i < places->count; i++) {
		const struct guard_place *place = &places->at[i];
		int how = place->kind == PLACE_FOLDER ? W_OK | X_OK : W_OK;

		if ((place->kind == PLACE_FOLDER || place->kind == PLACE_FILE) &&
		    faccessat(AT_FDCWD, place->path, how, AT_EACCESS) != 0)
			return fault_set(fault,
					 "%.200s is not user %s's to write (%s): give it to that "
					 "user with chown, or go on as another one (--user, "
					 "privileges.user)",
					 place->path, user->name, strerror(errno));
	}
	return true;
}
