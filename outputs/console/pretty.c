#include "outputs/console/pretty.h"

#include <stdlib.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_parse.h>

#include "shipper/base/must.h"

struct pretty {
	yajl_gen gen; /* one for each document, kept until the next: it owns the text */
};

static int on_null(void *gen)
{
	return yajl_gen_null(gen) == yajl_gen_status_ok;
}

static int on_bool(void *gen, int yes)
{
	return yajl_gen_bool(gen, yes) == yajl_gen_status_ok;
}

static int on_number(void *gen, const char *text, size_t len)
{
	return yajl_gen_number(gen, text, len) == yajl_gen_status_ok;
}

static int on_string(void *gen, const unsigned char *text, size_t len)
{
	return yajl_gen_string(gen, text, len) == yajl_gen_status_ok;
}

static int on_map(void *gen)
{
	return yajl_gen_map_open(gen) == yajl_gen_status_ok;
}

static int on_map_end(void *gen)
{
	return yajl_gen_map_close(gen) == yajl_gen_status_ok;
}

static int on_array(void *gen)
{
	return yajl_gen_array_open(gen) == yajl_gen_status_ok;
}

static int on_array_end(void *gen)
{
	return yajl_gen_array_close(gen) == yajl_gen_status_ok;
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_bool,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_map,
	.yajl_map_key = on_string,
	.yajl_end_map = on_map_end,
	.yajl_start_array = on_array,
	.yajl_end_array = on_array_end,
};

struct pretty *pretty_new(void)
{
	return must_alloc(sizeof(struct pretty));
}

void pretty_free(struct pretty *pretty)
{
	if (pretty == NULL)
		return;
	if (pretty->gen != NULL)
		yajl_gen_free(pretty->gen);
	free(pretty);
}

static yajl_gen start_gen(struct pretty *pretty)
{
	if (pretty->gen != NULL)
		yajl_gen_free(pretty->gen);
	pretty->gen = yajl_gen_alloc(NULL);
	must(pretty->gen != NULL);
	yajl_gen_config(pretty->gen, yajl_gen_beautify, 1);
	yajl_gen_config(pretty->gen, yajl_gen_indent_string, "  ");
	return pretty->gen;
}

struct bytes pretty_text(struct pretty *pretty, struct bytes json)
{
	const unsigned char *text = NULL;
	size_t len = 0;
	yajl_gen gen = start_gen(pretty);
	yajl_handle parser = yajl_alloc(&callbacks, NULL, gen);

	must(parser != NULL);
	bool well = yajl_parse(parser, json.at, json.len) == yajl_status_ok &&
		    yajl_complete_parse(parser) == yajl_status_ok &&
		    yajl_gen_get_buf(gen, &text, &len) == yajl_gen_status_ok && len > 0;

	yajl_free(parser);
	return well ? bytes_of(text, len) : json;
}
