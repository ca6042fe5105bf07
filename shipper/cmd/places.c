#include "shipper/cmd/places.h"

#include <limits.h>
#include <string.h>

enum { PRIVATE = 0700, FOR_GROUP = 0750, FOR_ALL = 0755, FILE_MODE = 0600 };

static void may_read(void *self, const char *text)
{
	guard_place(self, PLACE_READ, 0, text);
}

static void folder_of(struct guard_places *places, enum place_kind kind, mode_t mode,
		      const char *file)
{
	const char *slash = strrchr(file, '/');
	char folder[PATH_MAX];

	if (slash == NULL || slash == file)
		return;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file), file);
	guard_place(places, kind, mode, folder);
}

void places_of(const struct settings *settings, const char *config, const char *pid_file,
	       struct guard_places *places)
{
	const struct output *output = settings->output;
	struct demand demand = {0};
	char letters[PATH_MAX];

	*places = (struct guard_places){0};
	guard_place(places, PLACE_READ, 0, config);
	guard_place(places, PLACE_GOES, 0, pid_file);
	settings_paths(settings, may_read, places);
	if (output->demand != NULL)
		output->demand(settings->output_conf, &demand);
	guard_place(places, PLACE_FOLDER, FOR_GROUP, demand.folder);
	guard_place(places, PLACE_FILE, FILE_MODE, demand.file);
	if (publish_stores(&settings->publish, &demand)) {
		publish_dead_letters(&settings->publish, letters);
		guard_place(places, PLACE_FOLDER, PRIVATE, settings->publish.spool.path);
		folder_of(places, PLACE_FOLDER, PRIVATE, letters);
	}
	folder_of(places, PLACE_OFFER, FOR_ALL, settings->monitor.socket);
	folder_of(places, PLACE_OFFER, PRIVATE, settings->crash.file);
	guard_place(places, PLACE_FILE, FILE_MODE, settings->crash.file);
}
