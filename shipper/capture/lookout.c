#include "shipper/capture/lookout.h"

#include <fnmatch.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 8192 };

static bool is_exclusion(const char *name)
{
	return name[0] == '!';
}

bool lookout_is_plain(const char *name)
{
	return !is_exclusion(name) && strpbrk(name, "*?[") == NULL && strcmp(name, "any") != 0;
}

static bool has_exclusion(const struct texts *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (is_exclusion(names->at[i]))
			return true;
	return false;
}

static bool matches(const char *pattern, const char *device)
{
	return strcmp(pattern, "any") == 0 || fnmatch(pattern, device, 0) == 0;
}

bool lookout_wants(const struct texts *names, const char *device)
{
	bool wanted = false;

	if (strcmp(device, "any") == 0) {
		for (size_t i = 0; i < names->count; i++)
			wanted |= strcmp(names->at[i], "any") == 0;
		return wanted && !has_exclusion(names);
	}
	for (size_t i = 0; i < names->count; i++)
		if (is_exclusion(names->at[i]) && matches(names->at[i] + 1, device))
			return false;
		else
			wanted |= !is_exclusion(names->at[i]) && matches(names->at[i], device);
	return wanted;
}

bool lookout_open(struct lookout *l, const struct texts *names, struct fault *fault)
{
	struct sockaddr_nl at = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	size_t exclusions = 0;

	*l = (struct lookout){.names = names, .netlink = -1};
	for (size_t i = 0; i < names->count; i++)
		exclusions += is_exclusion(names->at[i]);
	if (exclusions == names->count)
		return fault_set(fault, "devices: all names begin with !; any before them "
					"stands for the rest");
	if (lookout_wants(names, "any")) {
		/* It would see what the others see, too. */
		if (names->count > 1)
			return fault_set(fault, "devices: any is all of them already; without it, "
						"or with a ! before the others, each has its own");
		return true;
	}
	l->netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (l->netlink >= 0 &&
	    bind(l->netlink, (const struct sockaddr *)(const void *)&at, sizeof(at)) != 0)
		lookout_close(l);
	return true;
}

void lookout_close(struct lookout *l)
{
	if (l->netlink >= 0)
		close(l->netlink);
	l->netlink = -1;
}

/* One that is down cannot be opened, and says when it comes up. */
static bool is_up(int any_socket, const char *name)
{
	struct ifreq request = {0};

	strncpy(request.ifr_name, name, IF_NAMESIZE - 1);
	return ioctl(any_socket, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

static void take_down(struct sighting *seen, const char *name)
{
	if (seen->count == LOOKOUT_MAX) {
		seen->more++;
		return;
	}
	strncpy(seen->name[seen->count], name, IF_NAMESIZE - 1);
	seen->name[seen->count++][IF_NAMESIZE - 1] = '\0';
}

void lookout_look(const struct lookout *l, struct sighting *seen)
{
	struct if_nameindex *all;
	int any_socket;

	*seen = (struct sighting){.count = 0};
	if (lookout_wants(l->names, "any")) {
		take_down(seen, "any");
		return;
	}
	all = if_nameindex();
	any_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (const struct if_nameindex *i = all; i != NULL && i->if_name != NULL; i++)
		if (lookout_wants(l->names, i->if_name) && is_up(any_socket, i->if_name))
			take_down(seen, i->if_name);
	if (any_socket >= 0)
		close(any_socket);
	if (all != NULL)
		if_freenameindex(all);
}

void lookout_drain(const struct lookout *l)
{
	char message[MESSAGE_BYTES];

	while (recv(l->netlink, message, sizeof(message), MSG_DONTWAIT) > 0)
		;
}
