#include "shipper/base/must.h"
#include "shipper/conf/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char file_prefix[] = "file:";

__attribute__((format(printf, 2, 3))) static bool unset(struct node *node, const char *format, ...)
{
	char text[400];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	free(node->unset);
	node->unset = must_strdup(text);
	return false;
}

/* ---- Files ---- */

/* A bare name is a credential that systemd has put into a folder for us. */
static bool path_of(struct node *node, const char *name, char to[PATH_MAX])
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	bool bare = strchr(name, '/') == NULL;

	if (name[0] == '\0')
		return unset(node, "${file:} names no file");
	if (bare && folder == NULL)
		return unset(node,
			     "${file:%.80s}: systemd has given no credentials "
			     "(CREDENTIALS_DIRECTORY is not set); the name of a file begins with / "
			     "or ./",
			     name);
	int len = snprintf(to, PATH_MAX, "%s%s%s", bare ? folder : "", bare ? "/" : "", name);

	return len < PATH_MAX || unset(node, "${file:%.80s…}: the name is too long", name);
}

static bool file_put(struct tree *tree, struct node *node, const char *name, FILE *to)
{
	char path[PATH_MAX], text[TREE_TEXT_MAX + 2];
	size_t len = 0;
	ssize_t n = 1;

	if (!path_of(node, name, path))
		return false;
	texts_add(&tree->files, path);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	while (fd >= 0 && n > 0 && len < sizeof(text)) {
		n = read(fd, text + len, sizeof(text) - len);
		len += n > 0 ? (size_t)n : 0;
	}
	if (fd < 0 || n < 0)
		unset(node, "${file:%.120s} cannot be read: %s%s", name, strerror(errno),
		      fault_advice(errno));
	else if (len > TREE_TEXT_MAX || memchr(text, '\0', len) != NULL)
		unset(node, "${file:%.120s}: it holds no text, or too much of it", name);
	if (fd >= 0)
		close(fd);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	if (node->unset == NULL)
		fwrite(text, 1, len, to);
	explicit_bzero(text, sizeof(text));
	return node->unset == NULL;
}

/* ---- Variables ---- */

/* What stands for ${inside}; false when nothing does. */
static bool value_put(struct tree *tree, struct node *node, const char *inside, size_t len,
		      FILE *to)
{
	char name[TREE_KEY_MAX];
	size_t name_len = 0, prefix = sizeof(file_prefix) - 1;
	const char *value;

	if (len >= prefix && len < PATH_MAX && strncmp(inside, file_prefix, prefix) == 0) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%.*s", (int)(len - prefix), inside + prefix);
		return file_put(tree, node, path, to);
	}
	while (name_len < len && inside[name_len] != ':')
		name_len++;
	if (name_len == 0 || name_len >= sizeof(name))
		return unset(node, "${%.80s names no variable", inside);
	memcpy(name, inside, name_len);
	name[name_len] = '\0';
	value = getenv(name);
	if (value != NULL)
		fputs(value, to);
	else if (name_len < len && inside[name_len + 1] != '?')
		fwrite(inside + name_len + 1, 1, len - name_len - 1, to);
	else
		return unset(node,
			     "the variable %.80s is not set, and no default is given: "
			     "${NAME:default}",
			     name);
	return true;
}

static void text_expand(struct tree *tree, struct node *node)
{
	const char *from = node->text;
	char *whole = NULL;
	size_t size;
	FILE *to = open_memstream(&whole, &size);

	must(to != NULL);
	while (*from != '\0') {
		size_t plain = strcspn(from, "$"), len;

		fwrite(from, 1, plain, to);
		from += plain;
		if (strncmp(from, "$${", 3) == 0) {
			fputs("${", to);
			from += 3;
			continue;
		}
		if (strncmp(from, "${", 2) != 0) {
			if (*from != '\0')
				fputc(*from++, to);
			continue;
		}
		len = strcspn(from + 2, "}");
		if (from[2 + len] == '\0') {
			unset(node, "%.80s has no closing }", from);
			break;
		}
		if (!value_put(tree, node, from + 2, len, to))
			break;
		from += 2 + len + 1;
	}
	fclose(to);
	if (size > TREE_TEXT_MAX)
		unset(node, "too long after its variables were put in");
	text_wipe(node->text);
	node->text = whole;
}

void tree_expand(struct tree *tree)
{
	for (struct node *node = tree->made; node != NULL; node = node->made)
		if (node->kind == NODE_TEXT && strchr(node->text, '$') != NULL)
			text_expand(tree, node);
}

static void check(const struct node *node, struct faults *faults)
{
	if (node->unset != NULL)
		faults_add(faults, node->line, node->column, "%s", node->unset);
	for (const struct node *member = node->first; member != NULL; member = member->next)
		check(member, faults);
}

void tree_check(const struct tree *tree, struct faults *faults)
{
	check(tree->root, faults);
}
