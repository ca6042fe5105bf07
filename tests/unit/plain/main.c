#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/plain/criterion/criterion.h"

static struct plain_test *all;

void plain_test_add(struct plain_test *test)
{
	test->next = all;
	all = test;
}

static const struct plain_test *suite_of(const struct plain_test *test)
{
	for (const struct plain_test *s = all; s != NULL; s = s->next)
		if (s->run == NULL && strcmp(s->suite, test->suite) == 0)
			return s;
	return test;
}

static void run(const struct plain_test *test)
{
	const struct plain_test *suite = suite_of(test);
	void (*init)(void) = test->init ? test->init : suite->init;
	void (*fini)(void) = test->fini ? test->fini : suite->fini;

	alarm((unsigned)(test->timeout > 0 ? test->timeout : suite->timeout));
	if (init != NULL)
		init();
	test->run();
	if (fini != NULL)
		fini();
	exit(0);
}

static bool passes(const struct plain_test *test)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		run(test);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	if (test->signal != 0)
		return WIFSIGNALED(status) && WTERMSIG(status) == test->signal;
	return WIFEXITED(status) && WEXITSTATUS(status) == test->exit_code;
}

/* TAP, as `unit --tap=-` writes it. */
int main(void)
{
	int count = 0, failed = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (const struct plain_test *t = all; t != NULL; t = t->next) {
		if (t->run == NULL || t->disabled)
			continue;
		bool well = passes(t);

		failed += !well;
		printf("%s %d - %s::%s\n", well ? "ok" : "not ok", ++count, t->suite, t->name);
	}
	printf("1..%d\n", count);
	return failed > 0;
}
