#include "outputs/report/template.h"

/* REPORT_PAGE is the path of the built page; the assembler reads it. */
__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"template_text:\n"
	".incbin \"" REPORT_PAGE "\"\n"
	"template_end:\n"
	".balign 4\n"
	"template_len:\n"
	".long template_end - template_text\n"
	".popsection\n");

extern const uint8_t template_text[] __attribute__((visibility("hidden")));
extern const uint32_t template_len __attribute__((visibility("hidden")));

struct bytes template_page(void)
{
	return bytes_of(template_text, template_len);
}
