/* How single values look in documents. */
#include "tests/unit/thrift_say.h"

#include <criterion/criterion.h>
#include <stdio.h>

enum { CUTS = 24 };

/* Doubles are printed with the fewest digits that read back. */
Test(thrift_values, doubles)
{
	struct talk t;

	for (size_t cut = 0; cut < CUTS; cut++) {
		talk_open(&t, &proto_thrift, NULL);
		t.cut = cut;
		thrift_say(&t, CLIENT,
			   "80010001 00000001'f' 00000001"
			   "04 0001 0000000000000000  04 0002 bfb999999999999a"
			   "04 0003 3ff8000000000000  04 0004 430c6bf526340000"
			   "04 0005 40f81cd6c8b43958  04 0006 3ee4f8b588e368f1"
			   "04 0007 3fd3333333333334  04 0008 400921fb54442d18"
			   "04 0009 3f1a36e2eb1c432d  04 000a 7ff0000000000000"
			   "04 000b fff0000000000000  04 000c 7ff8000000000000"
			   "04 000d 8000000000000000  04 000e 0000000000000001"
			   "04 000f c08f480000000000 00");
		talk_finish(&t);
		thrift_is(&t, 0, "thrift.params",
			  "(1: 0, 2: -0.1, 3: 1.5, 4: 1e+15, 5: 98765.424, 6: 1e-05, "
			  "7: 0.30000000000000004, 8: 3.141592653589793, 9: 0.0001, 10: Infinity, "
			  "11: -Infinity, 12: NaN, 13: 0, 14: 4.94065645841247e-324, 15: -1001)");
		talk_close(&t);
	}
}

/* Whole numbers of every length. */
Test(thrift_values, whole_numbers)
{
	struct talk t;

	talk_open(&t, &proto_thrift, NULL);
	thrift_say(&t, CLIENT,
		   "80010001 00000001'f' 00000001"
		   "08 0000 00000009 08 0009 0000000a 08 000a 00000063 08 0063 00000064"
		   "08 ffff ffffffff 0a 7fff 7fffffffffffffff 0a 8000 8000000000000000 00");
	talk_finish(&t);
	thrift_is(&t, 0, "thrift.params",
		  "(0: 9, 9: 10, 10: 99, 99: 100, -1: -1, 32767: 9223372036854775807, "
		  "-32768: -9223372036854775808)");
	talk_close(&t);
}

/* Where a string stops being plain, at every place of a word and behind it. */
Test(thrift_values, strings)
{
	static const struct {
		const char *script, *text;
	} marks[] = {
		{"22", "\\\""},	      {"5c", "\\\\"},
		{"0a", "\\n"},	      {"7f", "\\x7f"},
		{"1f", "\\x1f"},      {"80", "\\x80"},
		{"c3a9", "\xc3\xa9"}, {"ed a080", "\\xed\\xa0\\x80"},
		{"7e", "~"},	      {"20", " "},
	};
	struct talk t;
	char script[256], wanted[256];

	for (size_t m = 0; m < sizeof(marks) / sizeof(marks[0]); m++) {
		for (int at = 0; at < 20; at++) {
			static const char plain[] = "abcdefghijklmnopqrst";
			size_t bytes = strlen(marks[m].script) < 3   ? 1
				       : strlen(marks[m].script) < 5 ? 2
								     : 3;

			talk_open(&t, &proto_thrift, NULL);
			t.cut = (size_t)at % 3 * 7;
			snprintf(script, sizeof(script),
				 "80010001 00000001'f' 00000001 0b 0001 %08zx '%.*s' %s '%s' 00",
				 20 + bytes, at, plain, marks[m].script, plain + at);
			snprintf(wanted, sizeof(wanted), "(1: \"%.*s%s%s\")", at, plain,
				 marks[m].text, plain + at);
			thrift_say(&t, CLIENT, script);
			talk_finish(&t);
			thrift_is(&t, 0, "thrift.params", wanted);
			talk_close(&t);
		}
	}
}
