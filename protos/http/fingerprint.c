#include "protos/http/fingerprint.h"

enum { HEX_MIN = 8, TOKEN_MIN = 16 };

enum kind { OTHER, DIGIT, HEX_LETTER, LETTER, JOINT, DIVIDER, SLASH };

static enum kind kind_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return DIGIT;
	if (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z')
		return ascii_lower(c) <= 'f' ? HEX_LETTER : LETTER;
	switch (c) {
	case '-':
	case '_':
	case '+':
	case '%':
		return JOINT;
	case '.':
	case ',':
	case ';':
	case '=':
	case '@':
	case ':':
	case '~':
		return DIVIDER;
	case '/':
		return SLASH;
	}
	return OTHER;
}

/* What a part is made of. */
struct part {
	size_t len, digits, hex_letters, letters, uppers, joints;
};

static bool is_identifier(const struct part *p)
{
	if (p->digits == 0 || p->len != p->digits + p->hex_letters + p->letters + p->joints)
		return false;
	if (p->hex_letters + p->letters == 0)
		return true;
	if (p->letters == 0 && p->len >= HEX_MIN)
		return true;
	if (p->len < TOKEN_MIN)
		return false;
	/* A slug of words is no token, though a year may stand in it. */
	if (p->joints > 0 && p->uppers == 0 && p->digits * 4 < p->len)
		return false;
	return p->digits >= 3 || (p->digits == 2 && p->uppers > 0);
}

static void part_add(struct part *part, enum kind kind, uint8_t c)
{
	part->len++;
	part->digits += kind == DIGIT;
	part->hex_letters += kind == HEX_LETTER;
	part->letters += kind == LETTER;
	part->joints += kind == JOINT;
	part->uppers += c >= 'A' && c <= 'Z';
}

size_t fingerprint_path(struct bytes path, uint8_t *to, size_t max)
{
	size_t n = 0, from = 0;
	struct part part = {0};

	for (size_t i = 0; i <= path.len && n < max; i++) {
		enum kind kind = i < path.len ? kind_of(path.at[i]) : SLASH;

		if (kind != DIVIDER && kind != SLASH) {
			part_add(&part, kind, path.at[i]);
			continue;
		}
		if (is_identifier(&part)) {
			to[n++] = '?';
		} else if (part.len > 0) {
			size_t len = part.len < max - n ? part.len : max - n;

			memcpy(to + n, path.at + from, len);
			n += len;
		}
		if (i < path.len && n < max)
			to[n++] = path.at[i];
		part = (struct part){0};
		from = i + 1;
	}
	return n;
}
