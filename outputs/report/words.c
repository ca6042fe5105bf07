#include "outputs/report/words.h"

#include <stdlib.h>
#include <xxhash.h>

#include "shipper/base/must.h"

enum { PLACES = 4 * WORDS_MAX, ROOM_FIRST = 64 };

void words_init(struct words *w)
{
	*w = (struct words){.count = 1, .room = ROOM_FIRST};
	w->at = must_alloc(ROOM_FIRST * sizeof(w->at[0]));
	w->index = must_alloc(PLACES * sizeof(w->index[0]));
}

void words_fini(struct words *w)
{
	for (size_t i = 1; i < w->count; i++)
		free(w->at[i].text);
	free(w->at);
	free(w->index);
	*w = (struct words){0};
}

static size_t place_of(const struct words *w, const uint64_t hash[2])
{
	size_t i = hash[0] % PLACES;

	while (w->index[i] != 0) {
		const struct word *at = &w->at[w->index[i]];

		if (at->hash[0] == hash[0] && at->hash[1] == hash[1])
			break;
		i = (i + 1) % PLACES;
	}
	return i;
}

/* At most WORD_BYTES_MAX bytes, and whole characters. */
static size_t cut_at(struct bytes text)
{
	size_t len = WORD_BYTES_MAX;

	if (text.len <= len)
		return text.len;
	while (len > 0 && (text.at[len] & 0xc0) == 0x80)
		len--;
	return len;
}

static uint16_t add(struct words *w, const uint64_t hash[2], uint8_t type, const struct bytes *text)
{
	size_t place = place_of(w, hash);
	struct word *word;

	if (w->index[place] != 0)
		return (uint16_t)w->index[place];
	must(w->count < UINT16_MAX);
	if (w->count == w->room) {
		w->room *= 2;
		w->at = must_realloc(w->at, w->room * sizeof(w->at[0]));
	}
	word = &w->at[w->count];
	*word = (struct word){.hash = {hash[0], hash[1]}, .type = type};
	if (text != NULL) {
		word->len = (uint16_t)cut_at(*text);
		word->cut = word->len < text->len;
		word->text = must_alloc(word->len + 1U);
		memcpy(word->text, text->at, word->len);
	}
	w->index[place] = (uint32_t)w->count;
	return (uint16_t)w->count++;
}

uint16_t words_add(struct words *w, uint8_t type, struct bytes text)
{
	XXH128_hash_t h;

	if (text.len == 0)
		return 0;
	must(w->count < WORDS_MAX);
	h = XXH3_128bits_withSeed(text.at, text.len, type);
	return add(w, (const uint64_t[2]){h.low64, h.high64}, type, &text);
}

void words_fold(struct words *w, const bool *keep, uint16_t *renamed)
{
	struct words old = *w;

	words_init(w);
	w->folded = old.folded;
	renamed[0] = 0;
	for (size_t i = 1; i < old.count; i++) {
		struct word *word = &old.at[i];
		const uint64_t others[2] = {word->type, 0};
		bool is_others = word->text == NULL;
		struct bytes text = bytes_of(word->text, word->len);

		if (is_others || !keep[i]) {
			renamed[i] = add(w, others, word->type, NULL);
			w->folded += !is_others;
			continue;
		}
		renamed[i] = add(w, word->hash, word->type, &text);
		w->at[renamed[i]].cut = word->cut;
	}
	words_fini(&old);
}
