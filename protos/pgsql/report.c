/*
 * What the server reports: errors, notices, command tags.
 *
 * Source   PostgreSQL 17 manual, "Error and Notice Message Fields", appendix A "Error Codes"
 */
#include "protos/pgsql/pgsql.h"

enum { PART_MAX = 8 << 10, TAG_MAX = 64 };

static int part_of(uint8_t type)
{
	switch (type) {
	case 'V':
		return PART_SEVERITY;
	case 'C':
		return PART_CODE;
	case 'M':
		return PART_MESSAGE;
	case 'D':
		return PART_DETAIL;
	case 'H':
		return PART_HINT;
	case 's':
		return PART_SCHEMA;
	case 't':
		return PART_TABLE;
	case 'c':
		return PART_COLUMN;
	case 'n':
		return PART_CONSTRAINT;
	default:
		return PART_COUNT;
	}
}

/* Servers before 9.6 tell the severity only in their own language. */
void pg_error(struct exchange *x, struct bytes body)
{
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(body);

	p->failed = true;
	x->status = STATUS_ERROR;
	memset(p->part, 0, sizeof(p->part));
	while (!c.dry) {
		uint8_t type = cursor_u8(&c);
		struct bytes text = cursor_until(&c, 0);
		int part = part_of(type);

		if (type == 0 || c.dry)
			break;
		if (type == 'S' && p->part[PART_SEVERITY].len == 0)
			part = PART_SEVERITY;
		if (part == PART_COUNT)
			continue;
		p->part[part] = (struct clip){0};
		pg_keep(x, &p->part[part], text, PART_MAX);
	}
}

/* The first one's text is kept, the others are counted. */
void pg_notice(struct exchange *x, struct bytes body)
{
	struct pgsql *p = x->own;
	struct cursor c = cursor_of(body);
	struct bytes severity = NO_BYTES, message = NO_BYTES;

	if (p->notices++ > 0)
		return;
	while (!c.dry) {
		uint8_t type = cursor_u8(&c);
		struct bytes text = cursor_until(&c, 0);

		if (type == 0 || c.dry)
			break;
		if (type == 'V' || (type == 'S' && severity.len == 0))
			severity = text;
		else if (type == 'M')
			message = text;
	}
	pg_keep(x, &p->notice, severity, PART_MAX);
	pg_keep(x, &p->notice, BYTES(": "), PART_MAX);
	pg_keep(x, &p->notice, message, PART_MAX);
}

/* "INSERT 0 5", "SELECT 3", "BEGIN": the last word tells how many rows, where it is a number. */
void pg_tag(struct exchange *x, struct bytes tag)
{
	struct pgsql *p = x->own;
	size_t at = tag.len;
	int64_t n;

	x->said[SERVER] = (struct clip){0};
	p->has_affected = false;
	pg_keep(x, &x->said[SERVER], tag, TAG_MAX);
	while (at > 0 && tag.at[at - 1] != ' ')
		at--;
	if (at == 0 || !bytes_int(bytes_skip(tag, at), 0, INT64_MAX, &n))
		return;
	if (bytes_starts(tag, BYTES("SELECT ")) || bytes_starts(tag, BYTES("FETCH ")) ||
	    bytes_starts(tag, BYTES("MOVE ")))
		return;
	p->has_affected = true;
	p->affected = (uint64_t)n;
}

/* Appendix A: the class is what the first two characters say. */
const char *pg_class_name(struct bytes code)
{
	static const struct {
		char class[3];
		const char *name;
	} classes[] = {
		{"01", "warning"},
		{"02", "no data"},
		{"03", "SQL statement not yet complete"},
		{"08", "connection exception"},
		{"09", "triggered action exception"},
		{"0A", "feature not supported"},
		{"0B", "invalid transaction initiation"},
		{"21", "cardinality violation"},
		{"22", "data exception"},
		{"23", "integrity constraint violation"},
		{"24", "invalid cursor state"},
		{"25", "invalid transaction state"},
		{"26", "invalid SQL statement name"},
		{"28", "invalid authorization specification"},
		{"2B", "dependent privilege descriptors still exist"},
		{"2D", "invalid transaction termination"},
		{"2F", "SQL routine exception"},
		{"34", "invalid cursor name"},
		{"38", "external routine exception"},
		{"39", "external routine invocation exception"},
		{"3B", "savepoint exception"},
		{"3D", "invalid catalog name"},
		{"3F", "invalid schema name"},
		{"40", "transaction rollback"},
		{"42", "syntax error or access rule violation"},
		{"44", "WITH CHECK OPTION violation"},
		{"53", "insufficient resources"},
		{"54", "program limit exceeded"},
		{"55", "object not in prerequisite state"},
		{"57", "operator intervention"},
		{"58", "system error"},
		{"F0", "configuration file error"},
		{"HV", "foreign data wrapper error"},
		{"P0", "PL/pgSQL error"},
		{"XX", "internal error"},
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (bytes_starts(code, bytes_of(classes[i].class, 2)))
			return classes[i].name;
	return "error";
}
