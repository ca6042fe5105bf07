/* Binary values of PostgreSQL as text: what the server itself prints of them. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "protos/pgsql/pgsql.h"
#include "tests/unit/pgsql_say.h"

static const struct {
	uint32_t type;
	const char *wire, *text; /* as pgsql_bytes has it */
} values[] = {
	{16, "#01.", "t"},
	{16, "#00.", "f"},
	{21, "#fffd.", "-3"},
	{23, "#80000000.", "-2147483648"},
	{20, "#7fffffffffffffff.", "9223372036854775807"},
	{26, "#ffffffff.", "4294967295"},
	{700, "#3dcccccd.", "0.1"},
	{701, "#3fb999999999999a.", "0.1"},
	{701, "#c08f400000000000.", "-1000"},
	{701, "#7ff8000000000000.", "NaN"},
	{701, "#fff0000000000000.", "-Infinity"},
	{25, "plain, \"text\"", "plain, \"text\""},
	{17, "#00ff41.", "\\x00ff41"},
	{2950, "#00112233445566778899aabbccddeeff.", "00112233-4455-6677-8899-aabbccddeeff"},
	{1082, "#00000000.", "2000-01-01"},
	{1082, "#ffffffff.", "1999-12-31"},
	{1082, "#0000003b.", "2000-02-29"},
	{1082, "#fff4dbf9.", "0001-01-01"},
	{1082, "#fff4dbf8.", "0001-12-31 BC"},
	{1082, "#7fffffff.", "infinity"},
	{1083, "#000000000001e240.", "00:00:00.123456"},
	{1266, "#0000000861c46800.#ffffe3e0.", "10:00:00+02"},
	{1114, "#0000000000000001.", "2000-01-01 00:00:00.000001"},
	{1114, "#ffffffffffffffff.", "1999-12-31 23:59:59.999999"},
	{1184, "#00000000000f4240.", "2000-01-01 00:00:01+00"},
	{1184, "#8000000000000000.", "-infinity"},
	{1186, "#0000000000000000.#00000000.#0000000e.", "1 year 2 mons"},
	{1186, "#ffffffffffffffff.#00000001.#00000000.", "1 day -00:00:00.000001"},
	{1186, "#0000000000000005.#fffffe70.#00000000.", "-400 days +00:00:00.000005"},
	{1186, "#0000000000000000.#00000003.#ffffffff.", "-1 mons +3 days"},
	{1186, "#0000000000000000.#00000000.#00000000.", "00:00:00"},
	{1700, "#0002.#0000.#4000.#0004.#04d2.#15e0.", "-1234.5600"},
	{1700, "#0001.#fffe.#0000.#0006.#04b0.", "0.000012"},
	{1700, "#0001.#0005.#0000.#0000.#0001.", "100000000000000000000"},
	{1700, "#0000.#0000.#0000.#0000.", "0"},
	{1700, "#0000.#0000.#c000.#0000.", "NaN"},
	{114, "{\"a\":1}", "{\"a\":1}"},
	{3802, "#01.{\"a\": 1}", "{\"a\": 1}"},
	{1007,
	 "#00000001.#00000001.#00000017.#00000003.#00000001.#00000004.#00000001.#ffffffff.#"
	 "00000004.#"
	 "fffffffe.",
	 "{1,NULL,-2}"},
	{1009,
	 "#00000001.#00000000.#00000019.#00000003.#00000001.#00000003.b,c#00000000.#00000004.null",
	 "{\"b,c\",\"\",\"null\"}"},
	{1007,
	 "#00000002.#00000000.#00000017.#00000001.#00000001.#00000002.#00000001.#00000004.#"
	 "00000003."
	 "#00000004.#00000004.",
	 "{{3,4}}"},
	{1007, "#00000000.#00000000.#00000017.", "{}"},
	/* Not of its type's length, or of a type that is not known: its bytes. */
	{23, "#0102.", "\\x0102"},
	{2950, "#01.", "\\x01"},
	{99999, "#0102.", "\\x0102"},
	{99999, "words", "words"},
	/* Hostile: nested too deep, more members than bytes. */
	{1007, "#ffffffff.#00000000.#00000017.", ""},
	{1007, "#00000001.#00000000.#00000017.#7fffffff.#00000001.",
	 "\\x0000000100000000000000177fffffff00000001"},
	{1007, "#00000001.#00000000.#000003ef.#00000001.#00000001.#00000004.#00000001.", ""},
	{1700, "#7fff.#7fff.#0000.#7fff.", "\\x7fff7fff00007fff"},
};

Test(pgsql_value, as_the_server_prints_it)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		char message[400]; /* as one without a type: behind its length */
		struct buf out = {0};

		snprintf(message, sizeof(message), "=%s", values[i].wire);
		struct bytes wire = bytes_skip(pgsql_bytes(message), 4);

		pg_value(&out, values[i].type, true, wire);
		cr_expect(bytes_eq(buf_bytes(&out), bytes_str(values[i].text)),
			  "%u, %s: %.*s, not %s", values[i].type, values[i].wire, (int)out.len,
			  out.len ? (const char *)out.at : "", values[i].text);
		buf_fini(&out);
	}
}

Test(pgsql_value, text_stays_as_it_is)
{
	struct buf out = {0};

	pg_value(&out, 23, false, BYTES("007"));
	cr_expect(bytes_eq(buf_bytes(&out), BYTES("007")));
	buf_fini(&out);
}
